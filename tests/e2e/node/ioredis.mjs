// ioredis does its ordinary work: node ioredis.mjs PACKAGE PARIS_PORT TOKYO_PORT
import assert from "node:assert/strict";

const [name, parisPort, tokyoPort] = process.argv.slice(2);
const { Redis } = await import(name);
const connect = (port) => new Redis({ port: Number(port) });
const paris = connect(parisPort);
const sorted = (list) => [...list].sort();

const tests = {
  async "connects and is ready"() {
    assert.equal(await paris.ping(), "PONG");
    assert.equal(paris.status, "ready");
    assert.match(await paris.info(), /redis_version:7\./);
  },

  async "strings and counters"() {
    assert.equal(await paris.set("k", "v"), "OK");
    assert.equal(await paris.get("k"), "v");
    assert.equal(await paris.set("k", "w", "NX"), null);
    assert.equal(await paris.get("absent"), null);
    assert.equal(await paris.incr("n"), 1);
    assert.equal(await paris.incrby("n", 41), 42);
    assert.deepEqual(await paris.mget("k", "n", "absent"), ["v", "42", null]);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    await paris.set(bytes, bytes);
    assert.deepEqual(await paris.getBuffer(bytes), bytes);
  },

  async "sets"() {
    assert.equal(await paris.sadd("s", "a", "b", "c"), 3);
    assert.deepEqual(sorted(await paris.smembers("s")), ["a", "b", "c"]);
    assert.equal(await paris.sismember("s", "a"), 1);
    assert.equal(await paris.srem("s", "a"), 1);
    assert.equal(await paris.scard("s"), 2);
    await paris.sadd("t", "c", "d");
    assert.deepEqual(await paris.sinter("s", "t"), ["c"]);
    assert.equal(await paris.sunionstore("u", "s", "t"), 3);
  },

  async "hashes"() {
    assert.equal(await paris.hset("h", { name: "ada", age: 36 }), 2);
    assert.deepEqual(await paris.hgetall("h"), { name: "ada", age: "36" });
    assert.equal(await paris.hincrby("h", "age", 1), 37);
    assert.deepEqual(await paris.hmget("h", "age", "absent"), ["37", null]);
    assert.deepEqual(await paris.hgetall("absent"), {});
  },

  async "pipelines and transactions"() {
    const piped = await paris.pipeline().set("p", 1).incr("p").sadd("p", "x").get("p").exec();
    assert.deepEqual(piped.map(([error, reply]) => error?.message.split(" ")[0] ?? reply), ["OK", 2, "WRONGTYPE", "2"]);
    assert.deepEqual(await paris.multi().set("m", 1).incr("m").exec(), [[null, "OK"], [null, 2]]);
    await paris.watch("m");
    const other = connect(parisPort);
    await other.set("m", "changed");
    assert.equal(await paris.multi().set("m", "lost").exec(), null);
    assert.equal(await paris.get("m"), "changed");
    await other.quit();
  },

  async "scan streams see every key"() {
    const pipeline = paris.pipeline();
    for (let number = 0; number < 3000; ++number) pipeline.set(`k:${number}`, number);
    await pipeline.exec();
    const seen = new Set();
    for await (const keys of paris.scanStream({ match: "k:*", count: 100 })) keys.forEach((key) => seen.add(key));
    assert.equal(seen.size, 3000);
  },

  async "many commands at once keep their order"() {
    const replies = await Promise.all(Array.from({ length: 5000 }, () => paris.incr("order")));
    assert.deepEqual(replies, Array.from({ length: 5000 }, (_, index) => index + 1));
  },

  async "errors are errors"() {
    await paris.set("k", "text");
    await assert.rejects(paris.incr("k"), /value is not an integer or out of range/);
    await assert.rejects(paris.call("FROBNICATE"), /unknown command/);
    await assert.rejects(paris.sadd("k", "x"), /WRONGTYPE/);
  },

  async "a write in paris is seen in tokyo"() {
    const reader = connect(tokyoPort);
    await paris.set("far", "away");
    for (let tries = 0; (await reader.get("far")) !== "away"; ++tries) {
      assert.ok(tries < 1000, "tokyo never saw it");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await reader.quit();
  },

  async "commands of our own"() {
    assert.match(String(await paris.call("TS.DIGEST")), /[0-9a-f]{16}/);
    assert.ok(Array.isArray(await paris.call("TS.CONFLICTS", "COUNT", "5")));
  },
};

for (const [title, test] of Object.entries(tests)) {
  await paris.flushall();
  await test();
  console.log(`${name}: ${title}: ok`);
}
await paris.quit();
