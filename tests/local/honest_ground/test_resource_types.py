"""Types that MiniStack lacks: made, read back by their own APIs, changed and removed."""

import json
import subprocess
import sys

import pytest

from agentcore_local import LocalAws

TRUST = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "bedrock-agentcore.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    },
}
NETWORK = {
    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
    "Subnet": {
        "Type": "AWS::EC2::Subnet",
        "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"},
    },
    "Group": {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {"VpcId": {"Ref": "Vpc"}, "GroupDescription": "one"},
    },
    "Other": {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {"VpcId": {"Ref": "Vpc"}, "GroupDescription": "two"},
    },
}


def typed(resource_type, **properties):
    return {"Type": resource_type, "Properties": properties}


@pytest.fixture
def name(stacks):
    return stacks.name()


@pytest.fixture
def created(stacks):
    """Create a stack that is to succeed; its id and the physical ids of its resources."""

    def create(resources, **template):
        stack = stacks.create({"Resources": resources, **template})
        assert stacks.status(stack) == "CREATE_COMPLETE", stacks.events(stack)
        return stack, physical_ids(stacks, stack)

    return create


def physical_ids(stacks, stack):
    return {key: found["PhysicalResourceId"] for key, found in stacks.resources(stack).items()}


def refusal(stacks, resources, logical_id="It"):
    stack = stacks.create({"Resources": resources})
    assert stacks.status(stack) == "ROLLBACK_COMPLETE"
    return next(r for _, s, r in stacks.events(stack, logical_id) if s == "CREATE_FAILED")


def ingress(port, description="first"):
    return typed(
        "AWS::EC2::SecurityGroupIngress",
        GroupId={"Fn::GetAtt": ["Group", "GroupId"]},
        IpProtocol="tcp",
        FromPort=port,
        ToPort=port,
        SourceSecurityGroupId={"Fn::GetAtt": ["Other", "GroupId"]},
        Description=description,
    )


def test_security_group_rules(stacks, created):
    egress = typed(
        "AWS::EC2::SecurityGroupEgress",
        GroupId={"Fn::GetAtt": ["Group", "GroupId"]},
        IpProtocol="tcp",
        FromPort=443,
        ToPort=443,
        CidrIp="10.0.0.0/16",
    )
    stack, ids = created({**NETWORK, "In": ingress(443), "Out": egress})
    ec2 = stacks.aws.client("ec2")

    def rules():
        found = ec2.describe_security_group_rules(
            Filters=[{"Name": "group-id", "Values": [ids["Group"]]}]
        )["SecurityGroupRules"]
        return {rule["SecurityGroupRuleId"]: rule for rule in found}

    assert rules()[ids["In"]]["ReferencedGroupInfo"]["GroupId"] == ids["Other"]
    assert rules()[ids["Out"]]["CidrIpv4"] == "10.0.0.0/16"
    assert rules()[ids["Out"]]["IsEgress"]

    assert stacks.update(stack, {"Resources": {**NETWORK, "In": ingress(80)}}) == (
        "UPDATE_COMPLETE"
    )
    assert ids["Out"] not in rules()
    assert ids["In"] not in rules()
    assert rules()[physical_ids(stacks, stack)["In"]]["FromPort"] == 80

    described = {"Resources": {**NETWORK, "In": ingress(80, "second")}}
    assert stacks.update(stack, described) == "UPDATE_COMPLETE"
    group = ec2.describe_security_groups(GroupIds=[ids["Group"]])["SecurityGroups"][0]
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["Description"] == "second"


def test_a_rule_that_is_there_already_is_refused(stacks):
    twice = {**NETWORK, "First": ingress(443), "It": {**ingress(443), "DependsOn": "First"}}
    assert "InvalidPermission.Duplicate" in refusal(stacks, twice)


def flow_log(**properties):
    return typed(
        "AWS::EC2::FlowLog",
        ResourceId={"Ref": "Vpc"},
        ResourceType="VPC",
        TrafficType="REJECT",
        **properties,
    )


def test_flow_logs(stacks, created):
    bucket = {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::somewhere"}
    stack, ids = created({**NETWORK, "It": flow_log(**bucket)})
    ec2 = stacks.aws.client("ec2")

    found = ec2.describe_flow_logs(FlowLogIds=[ids["It"]])["FlowLogs"][0]
    assert found["ResourceId"] == ids["Vpc"]
    assert found["TrafficType"] == "REJECT"
    assert found["LogDestinationType"] == "s3"

    stacks.delete(stack)
    assert ec2.describe_flow_logs(FlowLogIds=[ids["It"]])["FlowLogs"] == []


def test_flow_logs_into_a_log_group_need_a_role(stacks):
    resources = {**NETWORK, "It": flow_log(LogGroupName="somewhere")}
    assert "DeliverLogsPermissionArn" in refusal(stacks, resources)


def test_nat_gateway_and_its_address(stacks, created):
    tags = [{"Key": "team", "Value": "blue"}]
    resources = {
        **NETWORK,
        "Address": typed("AWS::EC2::EIP", Domain="vpc", Tags=tags),
        "It": typed(
            "AWS::EC2::NatGateway",
            SubnetId={"Ref": "Subnet"},
            AllocationId={"Fn::GetAtt": ["Address", "AllocationId"]},
        ),
    }
    stack, ids = created(resources)
    ec2 = stacks.aws.client("ec2")

    gateway = ec2.describe_nat_gateways(NatGatewayIds=[ids["It"]])["NatGateways"][0]
    assert gateway["SubnetId"] == ids["Subnet"]
    address = ec2.describe_addresses(PublicIps=[ids["Address"]])["Addresses"][0]
    assert {"Key": "team", "Value": "blue"} in address["Tags"]

    stacks.delete(stack)
    gateway = ec2.describe_nat_gateways(NatGatewayIds=[ids["It"]])["NatGateways"][0]
    assert gateway["State"] == "deleted"


def alarm(alarm_name):
    return typed(
        "AWS::CloudWatch::Alarm",
        AlarmName=alarm_name,
        Namespace="Test",
        MetricName="M",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )


def test_composite_alarm(stacks, created, name):
    def resources(description):
        rule = typed(
            "AWS::CloudWatch::CompositeAlarm",
            AlarmRule={"Fn::Sub": 'ALARM("${Child}")'},
            AlarmDescription=description,
            ActionsEnabled=False,
        )
        return {"Child": alarm(name), "It": rule}

    stack, ids = created(
        resources("first"), Outputs={"Arn": {"Value": {"Fn::GetAtt": ["It", "Arn"]}}}
    )
    cloudwatch = stacks.aws.client("cloudwatch")

    def found():
        return cloudwatch.describe_alarms(AlarmNames=[ids["It"]], AlarmTypes=["CompositeAlarm"])[
            "CompositeAlarms"
        ]

    assert found()[0]["AlarmRule"] == f'ALARM("{name}")'
    assert found()[0]["AlarmArn"] == stacks.outputs(stack)["Arn"]
    assert not found()[0]["ActionsEnabled"]

    assert stacks.update(stack, {"Resources": resources("second")}) == "UPDATE_COMPLETE"
    assert found()[0]["AlarmDescription"] == "second"
    assert physical_ids(stacks, stack)["It"] == ids["It"]

    stacks.delete(stack)
    assert found() == []


def interpreter(interpreter_name):
    return typed(
        "AWS::BedrockAgentCore::CodeInterpreterCustom",
        Name=interpreter_name.replace("-", "_"),
        NetworkConfiguration={"NetworkMode": "SANDBOX"},
    )


def delivery(stack_name, log_type="USAGE_LOGS", **destination):
    group = {"DestinationResourceArn": {"Fn::GetAtt": ["Logs", "Arn"]}}
    return {
        "Logs": typed("AWS::Logs::LogGroup"),
        "Interpreter": interpreter(stack_name),
        "Source": typed(
            "AWS::Logs::DeliverySource",
            Name=f"{stack_name}-source",
            LogType=log_type,
            ResourceArn={"Fn::GetAtt": ["Interpreter", "CodeInterpreterArn"]},
        ),
        "Destination": typed(
            "AWS::Logs::DeliveryDestination",
            Name=f"{stack_name}-destination",
            **(destination or group),
        ),
        "It": {
            **typed(
                "AWS::Logs::Delivery",
                DeliverySourceName={"Ref": "Source"},
                DeliveryDestinationArn={"Fn::GetAtt": ["Destination", "Arn"]},
            )
        },
    }


def test_log_delivery(stacks, created, name):
    stack, ids = created(delivery(name))
    logs = stacks.aws.client("logs")

    source = logs.get_delivery_source(name=ids["Source"])["deliverySource"]
    assert source["logType"] == "USAGE_LOGS"
    assert source["service"] == "bedrock-agentcore"
    assert source["resourceArns"][0].endswith(ids["Interpreter"])
    found = logs.get_delivery(id=ids["It"])["delivery"]
    assert found["deliverySourceName"] == ids["Source"]
    assert found["deliveryDestinationType"] == "CWL"

    assert stacks.delete(stack) == "DELETE_COMPLETE"
    names = [item["name"] for item in logs.describe_delivery_sources()["deliverySources"]]
    assert ids["Source"] not in names


def test_a_delivery_source_follows_a_replaced_interpreter(stacks, created, name):
    stack, ids = created(delivery(name))
    changed = delivery(name)
    changed["Interpreter"] = interpreter(f"{name}-2")

    assert stacks.update(stack, {"Resources": changed}) == "UPDATE_COMPLETE"

    logs = stacks.aws.client("logs")
    source = logs.get_delivery_source(name=ids["Source"])["deliverySource"]
    assert source["resourceArns"][0].endswith(physical_ids(stacks, stack)["Interpreter"])


def test_traces_go_to_x_ray(stacks, created, name):
    _, ids = created(delivery(name, "TRACES", DeliveryDestinationType="XRAY"))
    found = stacks.aws.client("logs").get_delivery(id=ids["It"])["delivery"]
    assert found["deliveryDestinationType"] == "XRAY"


@pytest.mark.parametrize(
    ("log_type", "destination", "problem", "at"),
    [
        ("ACCESS_LOGS", {}, "is not valid for", "Source"),
        ("TRACES", {}, "cannot be delivered to a destination of type CWL", "It"),
        ("USAGE_LOGS", {"DeliveryDestinationType": "XRAY"}, "cannot be delivered", "It"),
    ],
)
def test_a_delivery_that_does_not_fit_is_refused(stacks, name, log_type, destination, problem, at):
    assert problem in refusal(stacks, delivery(name, log_type, **destination), at)


def test_a_delivery_source_name_has_60_characters_at_most(stacks, name):
    resources = delivery(name)
    resources["Source"]["Properties"]["Name"] = "x" * 61
    assert "length less than or equal to 60" in refusal(stacks, resources, "Source")


def test_a_delivery_source_name_that_is_taken_is_refused(stacks, created, name):
    created(delivery(name))
    again = delivery(f"{name}-2")
    again["Source"]["Properties"]["Name"] = f"{name}-source"
    assert "already exists" in refusal(stacks, again, "Source")


def second_source(name, log_type="USAGE_LOGS"):
    return typed(
        "AWS::Logs::DeliverySource",
        Name=f"{name}-second",
        LogType=log_type,
        ResourceArn={"Fn::GetAtt": ["Interpreter", "CodeInterpreterArn"]},
    )


def test_a_second_source_of_one_log_type_is_refused_and_of_another_is_not(stacks, created, name):
    stack, _ = created(delivery(name))
    with_second = {**delivery(name), "Second": second_source(name)}
    assert stacks.update(stack, {"Resources": with_second}) == "UPDATE_ROLLBACK_COMPLETE"
    [reason] = [r for _, s, r in stacks.events(stack, "Second") if s == "CREATE_FAILED"]
    assert "already been used in another Delivery Source" in reason
    assert "Error: ConflictException" in reason
    assert "HandlerErrorCode: AlreadyExists" in reason

    with_second["Second"] = second_source(name, "APPLICATION_LOGS")
    assert stacks.update(stack, {"Resources": with_second}) == "UPDATE_COMPLETE"


def test_a_source_under_another_name_is_in_its_own_way(stacks, created, name):
    stack, ids = created(delivery(name))
    changed = delivery(name)
    changed["Source"]["Properties"]["Name"] = f"{name}-renamed"

    # The new one is made before the old one goes.
    assert stacks.update(stack, {"Resources": changed}) == "UPDATE_ROLLBACK_COMPLETE"
    assert physical_ids(stacks, stack)["Source"] == ids["Source"]


def test_a_replaced_interpreter_has_a_source_before_the_old_ones_goes(stacks, created, name):
    stack, ids = created(delivery(name))
    changed = delivery(name)
    changed["Interpreter"] = interpreter(f"{name}-2")
    changed["Source"]["Properties"]["Name"] = f"{name}-of-the-new-one"

    assert stacks.update(stack, {"Resources": changed}) == "UPDATE_COMPLETE"

    sources = stacks.aws.client("logs").describe_delivery_sources()["deliverySources"]
    names = [source["name"] for source in sources]
    assert f"{name}-of-the-new-one" in names
    assert ids["Source"] not in names


@pytest.mark.parametrize("conflicts", [True, False])
def test_whether_a_second_source_conflicts_is_a_switch(conflicts):
    arn = "arn:aws:bedrock-agentcore:us-east-1:111122223333:code-interpreter-custom/{}-0a1B2c3D4e"
    with LocalAws(behavior={"second_delivery_source_conflicts": conflicts}) as aws:
        logs = aws.client("logs")

        def put(name, of="one", log_type="USAGE_LOGS"):
            logs.put_delivery_source(name=name, resourceArn=arn.format(of), logType=log_type)

        put("first")
        put("first")  # it puts: the same source again is no second one
        put("other-type", log_type="TRACES")
        put("other-interpreter", of="other")
        if conflicts:
            with pytest.raises(logs.exceptions.ConflictException, match="already been used"):
                put("second")
            logs.delete_delivery_source(name="first")
        put("second")


def test_a_destination_that_must_be_replaced_needs_another_name(stacks, created, name):
    stack, _ = created(delivery(name))
    changed = delivery(name, DestinationResourceArn="arn:aws:s3:::somewhere")
    assert stacks.update(stack, {"Resources": changed}) == "UPDATE_ROLLBACK_COMPLETE"
    assert any("Rename" in event[2] for event in stacks.events(stack, "Destination"))


def test_config_rule(stacks, created):
    def rule(description):
        source = {"Owner": "AWS", "SourceIdentifier": "LAMBDA_INSIDE_VPC"}
        return {"It": typed("AWS::Config::ConfigRule", Source=source, Description=description)}

    stack, ids = created(rule("first"))
    config = stacks.aws.client("config")
    stacks.update(stack, {"Resources": rule("second")})
    found = config.describe_config_rules(ConfigRuleNames=[ids["It"]])["ConfigRules"][0]
    assert found["Source"]["SourceIdentifier"] == "LAMBDA_INSIDE_VPC"
    assert found["Description"] == "second"

    stacks.delete(stack)
    assert ids["It"] not in [
        r["ConfigRuleName"] for r in config.describe_config_rules()["ConfigRules"]
    ]


def test_trail(stacks, created):
    selector = {
        "Name": "interpreters",
        "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}],
    }
    resources = {
        "Bucket": typed("AWS::S3::Bucket"),
        "It": typed(
            "AWS::CloudTrail::Trail",
            IsLogging=True,
            S3BucketName={"Ref": "Bucket"},
            AdvancedEventSelectors=[selector],
        ),
    }
    _, ids = created(resources)
    cloudtrail = stacks.aws.client("cloudtrail")
    assert cloudtrail.get_trail(Name=ids["It"])["Trail"]["S3BucketName"] == ids["Bucket"]
    assert cloudtrail.get_trail_status(Name=ids["It"])["IsLogging"]
    found = cloudtrail.get_event_selectors(TrailName=ids["It"])["AdvancedEventSelectors"]
    assert found[0]["Name"] == "interpreters"


def runtime(runtime_name, **properties):
    return {
        "Role": TRUST,
        "It": typed(
            "AWS::BedrockAgentCore::Runtime",
            AgentRuntimeName=runtime_name.replace("-", "_"),
            AgentRuntimeArtifact={"ContainerConfiguration": {"ContainerUri": "x/y:1"}},
            RoleArn={"Fn::GetAtt": ["Role", "Arn"]},
            **properties,
        ),
    }


def test_agent_runtime(stacks, created, name):
    stack, ids = created(
        runtime(name, EnvironmentVariables={"CODE_INTERPRETER_ID": "1"}),
        Outputs={"Arn": {"Value": {"Fn::GetAtt": ["It", "AgentRuntimeArn"]}}},
    )
    control = stacks.aws.client("bedrock-agentcore-control")
    stacks.update(
        stack, {"Resources": runtime(name, EnvironmentVariables={"CODE_INTERPRETER_ID": "2"})}
    )
    found = control.get_agent_runtime(agentRuntimeId=ids["It"])
    assert found["environmentVariables"] == {"CODE_INTERPRETER_ID": "2"}
    assert found["agentRuntimeVersion"] == "2"


def test_an_agent_runtime_whose_role_does_not_trust_the_service_is_refused(stacks, name):
    resources = runtime(name)
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}
    statement["Action"] = "sts:AssumeRole"
    document = {"Version": "2012-10-17", "Statement": [statement]}
    resources["Role"] = typed("AWS::IAM::Role", AssumeRolePolicyDocument=document)
    assert "Role validation failed" in refusal(stacks, resources)


def test_types_without_a_service_deploy_change_and_go(stacks, created):
    def resources(text):
        return {
            "Query": typed("AWS::Logs::QueryDefinition", Name="q", QueryString=text),
            "Policy": typed("AWS::XRay::ResourcePolicy", PolicyName="p", PolicyDocument=text),
            "Config": typed("AWS::Route53Resolver::ResolverQueryLoggingConfig", Name=text),
            "Association": typed(
                "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation",
                ResolverQueryLogConfigId={"Ref": "Config"},
                ResourceId="vpc-1",
            ),
        }

    stack, before = created(resources("one"))
    assert stacks.update(stack, {"Resources": resources("two")}) == "UPDATE_COMPLETE"
    after = physical_ids(stacks, stack)
    assert before["Query"] == after["Query"]
    assert before["Config"] != after["Config"]
    assert before["Association"] != after["Association"]
    assert stacks.delete(stack) == "DELETE_COMPLETE"


SCHEMAS = """
import json
from agentcore_local.resource_types import code_interpreter
from agentcore_local.resource_types.installation import api_types
schemas = [kind.schema for kind in api_types()] + [code_interpreter.SCHEMA]
print(json.dumps([
    [s.name, sorted(s.required), sorted(s.create_only), sorted(s.updatable), s.tags]
    for s in schemas
]))
"""


def test_the_schemas_are_those_of_the_cloudformation_registry():
    """cfn-lint ships the registry's own schemas."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    finished = subprocess.run(
        [sys.executable, "-c", SCHEMAS], capture_output=True, text=True, check=True
    )
    ours = json.loads(finished.stdout.splitlines()[-1])
    assert len(ours) >= 16
    for type_name, required, create_only, updatable, tags in ours:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_name).schema
        read_only = {path.split("/")[2] for path in schema.get("readOnlyProperties", [])}
        settable = set(schema["properties"]) - (read_only - {"Compliance"})
        create_only_there = {path.split("/")[2] for path in schema.get("createOnlyProperties", [])}
        assert set(schema.get("required") or []) <= set(required), type_name
        assert set(create_only) == create_only_there, type_name
        assert set(create_only) | set(updatable) == settable | create_only_there, type_name
        tagged = (schema.get("tagging") or {}).get("taggable", False) and type_name.count(
            "Route"
        ) == 0
        assert (tags is not None) == tagged, type_name


def test_a_secret_is_referred_to_by_its_arn(stacks):
    secrets = stacks.aws.client("secretsmanager")

    def template(**properties):
        secret = typed("AWS::SecretsManager::Secret", SecretString="it", **properties)
        return {"Resources": {"It": secret}, "Outputs": {"Ref": {"Value": {"Ref": "It"}}}}

    stack = stacks.create(template())
    arn = stacks.outputs(stack)["Ref"]
    assert secrets.describe_secret(SecretId=arn)["ARN"] == arn
    assert arn == physical_ids(stacks, stack)["It"]

    assert stacks.update(stack, template(Description="new")) == "UPDATE_COMPLETE"
    assert stacks.outputs(stack)["Ref"] == arn
    assert secrets.describe_secret(SecretId=arn)["Description"] == "new"

    assert stacks.update(stack, template(Name=f"{stacks.name()}-it")) == "UPDATE_COMPLETE"
    renamed = stacks.outputs(stack)["Ref"]
    assert secrets.describe_secret(SecretId=renamed)["ARN"] == renamed
    assert stacks.delete(stack) == "DELETE_COMPLETE"
    left = {each["ARN"] for each in secrets.list_secrets()["SecretList"]}
    assert not left & {arn, renamed}
