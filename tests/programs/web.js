// SPDX-License-Identifier: ISC
// web.js serve ADDRESS PORT FILE: the file by HTTP at PORT, by a cluster of
// three, and by HTTP/2 in the clear at PORT + 1.
// web.js get|get2 HOST PORT FILE: asks for it 50 times at once, and compares.
'use strict';
const cluster = require('cluster');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const http2 = require('http2');

const [what, host, portText, file] = process.argv.slice(2);
const port = Number(portText);
const data = fs.readFileSync(file);
const sum = (d) => crypto.createHash('sha256').update(d).digest('hex');

function serve() {
	if (cluster.isPrimary) {
		for (let i = 0; i < 3; i++)
			cluster.fork();
		return;
	}
	http.createServer((q, r) => r.end(data)).listen(port, host);
	http2.createServer({ maxSessionMemory: 1000 }).on('stream', (s) => {
		s.respond({ ':status': 200 });
		s.end(data);
	}).listen(port + 1, host);
}

function collect(stream) {
	return new Promise((done, fail) => {
		const parts = [];
		stream.on('data', (d) => parts.push(d));
		stream.on('end', () => done(sum(Buffer.concat(parts))));
		stream.on('error', fail);
	});
}

function one() {
	return new Promise((done, fail) => {
		http.get({ host, port, agent: false }, (r) =>
			collect(r).then(done, fail)).on('error', fail);
	});
}

async function get() {
	return Promise.all(Array.from({ length: 50 }, one));
}

async function get2() {
	const name = host.includes(':') ? `[${host}]` : host;
	const session = http2.connect(`http://${name}:${port}`,
	    { maxSessionMemory: 1000 });
	const failed = new Promise((_, fail) => session.on('error', fail));
	const all = Promise.all(Array.from({ length: 50 }, () =>
		collect(session.request({ ':path': '/' }))));
	const sums = await Promise.race([all, failed]);
	session.close();
	return sums;
}

if (what === 'serve') {
	serve();
} else {
	(what === 'get' ? get() : get2()).then((sums) => {
		process.exit(sums.every((s) => s === sum(data)) ? 0 : 1);
	}, (e) => {
		console.error(String(e));
		process.exit(1);
	});
}
