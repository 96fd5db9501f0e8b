// A server of the bench as a child process, as the commands of this folder see it.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const TARGET = fileURLToPath(new URL('target.mjs', import.meta.url));

/**
 * @param {object} options - of the target
 * @param {object} process - execPath and execArgv, where they are not the usual ones
 */
export async function startTarget(options, process = {}) {
  const child = fork(TARGET, [JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
    ...process,
  });
  const started = await message(child);
  const ask = (what) => {
    const answer = message(child);
    child.send(what);
    return answer;
  };
  return {
    ...started,
    cpu: () => ask('cpu'),
    memory: () => ask('memory'),
    stop() {
      if (child.connected) child.disconnect();
    },
    exited: new Promise((resolve) => {
      child.once('exit', resolve);
    }),
  };
}

function message(child) {
  return new Promise((resolve, reject) => {
    const onExit = (code) => reject(new Error(`a server of the bench ended with ${code}`));
    child.once('exit', onExit);
    child.once('message', (value) => {
      child.off('exit', onExit);
      resolve(value);
    });
  });
}
