// N interpreters as plain L2s without jsii: what the CDK itself takes.
const [, , count, outdir, library] = process.argv;
const { App, Stack } = require(`${library}/core`);
const agentcore = require(`${library}/aws-bedrockagentcore`);

const app = new App({ outdir });
// As many in a stack as in the Python apps.
let stack;
for (let number = 0; number < Number(count); number++) {
  if (number % 20 === 0) stack = new Stack(app, `Bench${number / 20 || ""}`);
  new agentcore.CodeInterpreterCustom(stack, `Sandbox${number}`, {
    networkConfiguration: agentcore.CodeInterpreterNetworkConfiguration.usingSandboxNetwork(),
  });
}
app.synth();
