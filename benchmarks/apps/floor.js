// N interpreters as plain L2s without jsii: what the CDK itself takes.
const [, , count, outdir, library] = process.argv;
const { App, Stack } = require(`${library}/core`);
const agentcore = require(`${library}/aws-bedrockagentcore`);

const app = new App({ outdir });
const stack = new Stack(app, "Bench");
for (let number = 0; number < Number(count); number++) {
  new agentcore.CodeInterpreterCustom(stack, `Sandbox${number}`, {
    networkConfiguration: agentcore.CodeInterpreterNetworkConfiguration.usingSandboxNetwork(),
  });
}
app.synth();
