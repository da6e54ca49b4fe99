// Keeps one comment of a pull request that tells the difference: writes it, or edits the one that is
// there. It finds it by the marker in the first line, and only among those of its own author: whoever
// else writes the marker gets no say.
'use strict';

const fs = require('node:fs');

const MARKER = /^<!-- portcullis:diff v1 project=(\S+)(?: base=\S* head=\S*)? -->$/;

/** Most characters of a comment; some are kept for what stands below. */
const MOST = 65_536 - 1_000;

/** A name as one word of the marker, as the program writes it. */
function word(name) {
  return encodeURIComponent(name).replace(/[!'()*~]|--/g, (c) => [...c].map((one, at) => (c.length === 2 && at === 0 ? one : `%${one.charCodeAt(0).toString(16).toUpperCase()}`)).join('')).replaceAll('%2F', '/');
}

/** The project whose difference a comment tells; null if it is not such a comment. */
function projectOf(body) {
  const line = String(body ?? '').split(/\r?\n/, 1)[0];
  const found = MARKER.exec(line.trimEnd());
  return found ? found[1] : null;
}

/** The text, cut at a line if the forge would refuse it; it says so then. */
function fitting(text) {
  if (text.length <= MOST) return text;
  return `${text.slice(0, text.lastIndexOf('\n', MOST))}\n\n**This is not all: the rest does not fit into a comment, and stands in the summary of the run.**`;
}

/** The text of the comment: the difference, or that there is none. */
function bodyOf(env, run) {
  const where = env.ARTIFACT
    ? `the HTML report and the JSON are in \`${env.ARTIFACT}\` of [this run](${run})`
    : `[this run](${run}) has the log`;
  if (env.MARKDOWN && fs.existsSync(env.MARKDOWN)) {
    const text = fs.readFileSync(env.MARKDOWN, 'utf8');
    if (projectOf(text) !== null) return `${fitting(text.trimEnd())}\n\n<sub>${where}</sub>\n`;
  }
  // What an earlier run said is not true any more.
  return [
    `<!-- portcullis:diff v1 project=${word(env.PROJECT)} -->`,
    '## Portcullis: not compared',
    '',
    `The two sides could not be compared, so nothing is known of what this change opens or closes. [The run](${run}) says why.`,
    '',
  ].join('\n');
}

async function comment({ github, context, core, env }) {
  const number = context.payload?.pull_request?.number;
  if (!number) {
    core.info('no pull request, no comment');
    return;
  }
  const server = context.serverUrl ?? 'https://github.com';
  const { owner, repo } = context.repo;
  const body = bodyOf(env, `${server}/${owner}/${repo}/actions/runs/${context.runId}`);
  const project = projectOf(body);
  if (project === null) {
    core.warning('no comment was written: the project has no name; give the input project');
    return;
  }
  try {
    let found = null;
    const pages = github.paginate.iterator(github.rest.issues.listComments, {
      owner,
      repo,
      issue_number: number,
      per_page: 100,
    });
    for await (const { data } of pages) {
      found ??= data.find((one) => one.user?.login === env.AUTHOR && projectOf(one.body) === project) ?? null;
      if (found) break;
    }
    if (found) {
      if (found.body !== body) {
        await github.rest.issues.updateComment({ owner, repo, comment_id: found.id, body });
      }
      core.setOutput('url', found.html_url);
    } else if (env.VERDICT === 'same') {
      core.info('nothing differs, and nothing was said before: no comment');
    } else {
      const made = await github.rest.issues.createComment({ owner, repo, issue_number: number, body });
      core.setOutput('url', made.data.html_url);
    }
  } catch (error) {
    // The comment is not the gate: the job is judged by the difference itself.
    if (error.status === 403 || error.status === 404) {
      core.notice('the token may not comment here (a fork, or no pull-requests: write): the summary of the run has the difference');
    } else {
      core.warning(`no comment was written: ${error.message}`);
    }
  }
}

module.exports = comment;
module.exports.projectOf = projectOf;
