// Runs the code of one session in one Node process: JavaScript as CommonJS, TypeScript as an
// ES module. Requests and answers are lines of JSON on a socket. A call ends as a program does,
// when nothing is left to wait for; that is when Node emits `beforeExit`.
import { Buffer } from 'node:buffer';
import fs from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';

// Code may replace what it finds on JSON.
const { parse, stringify } = JSON;
const socketPath = process.argv[2];
const channel = net.connect(socketPath);
const require = createRequire(path.join(process.cwd(), 'index.js'));
const module = { exports: {}, require };
let current = null;

Object.assign(globalThis, {
  require, module, exports: module.exports,
  __dirname: process.cwd(), __filename: path.join(process.cwd(), 'index.js'),
});

function bytesOf(chunk, encoding) {
  if (typeof chunk !== 'string') {
    return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
  return Buffer.from(chunk, typeof encoding === 'string' ? encoding : 'utf8');
}

// A decoder keeps the beginning of a character until its end is written.
function newCall() {
  return {
    output: { stdout: '', stderr: '' },
    decoders: { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') },
    failed: false,
  };
}

function answer(exitCode) {
  const { output, decoders } = current;
  for (const name of ['stdout', 'stderr']) output[name] += decoders[name].end();
  return stringify({ ...output, exitCode });
}

for (const name of ['stdout', 'stderr']) {
  const original = process[name].write.bind(process[name]);
  process[name].write = (chunk, encoding, done) => {
    if (current === null) return original(chunk, encoding, done);
    current.output[name] += current.decoders[name].write(bytesOf(chunk, encoding));
    const callback = typeof encoding === 'function' ? encoding : done;
    if (callback) process.nextTick(callback);
    return true;
  };
}

function finish(exitCode) {
  if (current === null) return;
  const line = answer(exitCode) + '\n';
  current = null;
  channel.ref();
  channel.write(line);
}

function fail(error) {
  if (current === null) return;
  const text = error instanceof Error ? error.stack : `Uncaught ${String(error)}`;
  // Without the frames of this driver and of Node itself.
  const own = text.split('\n').filter((line) => !/^ +at .*(node_driver\.mjs|node:)/.test(line));
  current.output.stderr += own.join('\n') + '\n';
  current.failed = true;
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
process.on('beforeExit', () => finish(current?.failed ? 1 : process.exitCode ?? 0));
process.on('exit', (code) => {
  if (current === null) return;
  // The process is about to go, and a socket's write would come too late: leave the answer in
  // a file beside the socket.
  fs.writeFileSync(socketPath + '.exit', answer(code));
});

// Relative modules are found from the working directory.
function load(specifier) {
  const isPath = /^\.{0,2}\//.test(specifier);
  return import(isPath ? pathToFileURL(path.resolve(specifier)).href : specifier);
}

async function runTypeScript(code) {
  const source = new vm.SourceTextModule(stripTypeScriptTypes(code), {
    identifier: pathToFileURL(path.join(process.cwd(), 'index.mts')).href,
    importModuleDynamically: load,
    initializeImportMeta: (meta) => { meta.dirname = process.cwd(); },
  });
  await source.link(async (specifier) => {
    const target = await load(specifier);
    const names = Object.keys(target);
    return new vm.SyntheticModule(names, function () {
      for (const name of names) this.setExport(name, target[name]);
    });
  });
  await source.evaluate();
}

async function run({ language, code }) {
  process.exitCode = undefined;
  current = newCall();
  channel.unref();
  try {
    if (language === 'typescript') {
      await runTypeScript(code);
    } else {
      new vm.Script(code, { filename: 'index.js', importModuleDynamically: load })
        .runInThisContext();
    }
  } catch (error) {
    fail(error);
  }
}

let pending = '';
channel.setEncoding('utf8');
channel.on('data', (text) => {
  pending += text;
  const lines = pending.split('\n');
  pending = lines.pop();
  for (const line of lines) run(parse(line));
});
