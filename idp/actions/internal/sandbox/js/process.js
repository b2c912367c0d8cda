// process, of which actions use the empty environment and nextTick.

exports.process = {
  env: {}, argv: [], platform: 'linux', version: 'v22.0.0', versions: { node: '22.0.0' },
  nextTick: (fn, ...args) => { Promise.resolve().then(() => fn(...args)); },
  hrtime: Object.assign(() => [Math.floor(Date.now() / 1000), (Date.now() % 1000) * 1e6],
    { bigint: () => BigInt(Date.now()) * 1000000n }),
  cwd: () => '/',
  uptime: () => 0,
};
