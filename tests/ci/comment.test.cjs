// The comment of the action, against a forge that is only in memory: `node --test tests/ci`.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');

const comment = require('../../action/comment.cjs');

const BOT = 'github-actions[bot]';
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'comment-'));
test.after(() => fs.rmSync(folder, { recursive: true }));

const markdown = (project, text) => `<!-- portcullis:diff v1 project=${project} base=4f1c2ab head=9d07e31 -->\n## ${text}\n`;

/** A forge that holds these comments, in pages of two, and remembers what it is asked. */
function forge(comments, refusal) {
  const asked = [];
  const refuse = () => {
    if (refusal) throw Object.assign(new Error('Resource not accessible by integration'), { status: refusal });
  };
  const issues = {
    listComments: 'listComments',
    async createComment(of) {
      refuse();
      asked.push({ create: of.issue_number, body: of.body });
      return { data: { html_url: 'https://forge/new' } };
    },
    async updateComment(of) {
      refuse();
      asked.push({ update: of.comment_id, body: of.body });
      return { data: {} };
    },
  };
  const paginate = {
    async *iterator(what, of) {
      assert.equal(what, 'listComments');
      assert.deepEqual([of.owner, of.repo, of.issue_number], ['me', 'net', 7]);
      for (let at = 0; at < comments.length || at === 0; at += 2) yield { data: comments.slice(at, at + 2) };
    },
  };
  return { asked, github: { rest: { issues }, paginate } };
}

async function run(comments, { text, verdict = 'widened', project = 'hub', refusal, pull = 7, artifact = 'portcullis-diff' } = {}) {
  const file = path.join(folder, 'diff.md');
  fs.rmSync(file, { force: true });
  if (text !== undefined) fs.writeFileSync(file, text);
  const { asked, github } = forge(comments, refusal);
  const said = { info: [], notice: [], warning: [], outputs: {} };
  const core = {
    info: (line) => said.info.push(line),
    notice: (line) => said.notice.push(line),
    warning: (line) => said.warning.push(line),
    setOutput: (name, value) => (said.outputs[name] = value),
  };
  const context = {
    payload: pull ? { pull_request: { number: pull } } : {},
    repo: { owner: 'me', repo: 'net' },
    runId: 11,
    serverUrl: 'https://forge',
  };
  const env = { MARKDOWN: text === undefined ? '' : file, VERDICT: verdict, PROJECT: project, AUTHOR: BOT, ARTIFACT: artifact };
  await comment({ github, context, core, env });
  return { asked, said };
}

const by = (login, id, body) => ({ id, body, user: { login }, html_url: `https://forge/${id}` });

test('writes a comment where there is none', async () => {
  const { asked, said } = await run([by('ann', 1, 'looks good')], { text: markdown('hub', 'one') });
  assert.equal(asked.length, 1);
  assert.equal(asked[0].create, 7);
  assert.ok(asked[0].body.startsWith(markdown('hub', 'one').trimEnd()));
  assert.ok(asked[0].body.includes('https://forge/me/net/actions/runs/11'));
  assert.equal(said.outputs.url, 'https://forge/new');
});

test('edits its own comment, whatever base and head it had', async () => {
  const old = markdown('hub', 'old').replace('4f1c2ab', '0000000').replaceAll('\n', '\r\n');
  const { asked, said } = await run([by(BOT, 5, old)], { text: markdown('hub', 'new') });
  assert.deepEqual(asked.map((a) => a.update), [5]);
  assert.equal(said.outputs.url, 'https://forge/5');
});

test('finds it on a later page', async () => {
  const others = Array.from({ length: 5 }, (_, at) => by('ann', at, `remark ${at}`));
  const { asked } = await run([...others, by(BOT, 9, markdown('hub', 'old'))], { text: markdown('hub', 'new') });
  assert.deepEqual(asked.map((a) => a.update), [9]);
});

test('leaves the comments of others alone, even those with the marker', async () => {
  const comments = [
    by('mallory', 1, markdown('hub', 'all is well')),
    by(BOT, 2, `quoted:\n${markdown('hub', 'old')}`),
    by(BOT, 3, markdown('hub2', 'another project')),
    by(BOT, 5, 'another bot'),
    { id: 6, body: null, user: null },
  ];
  const { asked } = await run(comments, { text: markdown('hub', 'new') });
  assert.deepEqual(asked.map((a) => a.create), [7]);
});

test('does not write what is there already', async () => {
  const first = await run([], { text: markdown('hub', 'one') });
  const { asked } = await run([by(BOT, 3, first.asked[0].body)], { text: markdown('hub', 'one') });
  assert.deepEqual(asked, []);
});

test('says nothing where nothing differs, and takes back what it said', async () => {
  const same = { text: markdown('hub', 'same'), verdict: 'same' };
  assert.deepEqual((await run([], same)).asked, []);
  const { asked } = await run([by(BOT, 3, markdown('hub', 'widened'))], same);
  assert.deepEqual(asked.map((a) => a.update), [3]);
});

test('tells that nothing was compared, in the place of what was', async () => {
  const { asked } = await run([by(BOT, 3, markdown('hub', 'old')), by(BOT, 4, markdown('spoke', 'other'))], {});
  assert.deepEqual(asked.map((a) => a.update), [3]);
  assert.ok(asked[0].body.startsWith('<!-- portcullis:diff v1 project=hub -->\n## Portcullis: not compared\n'));
  // The next run finds it again.
  const next = await run([by(BOT, 3, asked[0].body)], { text: markdown('hub', 'new') });
  assert.deepEqual(next.asked.map((a) => a.update), [3]);
});

test('writes a project as the program does', async () => {
  const { asked } = await run([], { project: "my hub--é_1/x's" });
  assert.ok(asked[0].body.startsWith('<!-- portcullis:diff v1 project=my%20hub-%2D%C3%A9_1/x%27s -->\n'), asked[0].body);
});

test('a project without a name has no comment, and takes none of another kind', async () => {
  const { asked, said } = await run([by(BOT, 1, 'another bot'), by(BOT, 2, markdown('hub', 'old'))], { project: '' });
  assert.deepEqual(asked, []);
  assert.equal(said.warning.length, 1);
});

test('what does not fit is cut at a line, and says so', async () => {
  const row = '| HIGH 72 | prod | avd | 172.31.0.0/16 |';
  const { asked } = await run([], { text: markdown('hub', 'long') + `${row}\n`.repeat(3000) });
  assert.ok(asked[0].body.length < 65_536);
  const lines = asked[0].body.split('\n');
  const rows = lines.filter((line) => line.startsWith('|'));
  assert.ok(rows.length > 1000 && rows.every((line) => line === row));
  assert.ok(asked[0].body.includes('**This is not all: '));
});

test('a token that may not write is no fault', async () => {
  for (const refusal of [403, 404]) {
    const { said } = await run([], { text: markdown('hub', 'one'), refusal });
    assert.equal(said.notice.length, 1);
    assert.deepEqual(said.warning, []);
  }
  const { said } = await run([], { text: markdown('hub', 'one'), refusal: 500 });
  assert.equal(said.warning.length, 1);
});

test('outside of a pull request there is no comment', async () => {
  const { asked } = await run([], { text: markdown('hub', 'one'), pull: null });
  assert.deepEqual(asked, []);
});

test('names the artifact only if there is one', async () => {
  const { asked } = await run([], { text: markdown('hub', 'one'), artifact: '' });
  assert.ok(!asked[0].body.includes('HTML report'));
});
