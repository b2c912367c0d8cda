// Node's EventEmitter.

class EventEmitter {
  #listeners = new Map();

  on(name, fn) {
    if (typeof fn !== 'function') throw new TypeError('The "listener" argument must be of type function.');
    this.#listeners.set(name, [...(this.#listeners.get(name) || []), fn]);
    return this;
  }
  once(name, fn) {
    const wrapper = (...args) => { this.off(name, wrapper); fn.apply(this, args); };
    wrapper.listener = fn;
    return this.on(name, wrapper);
  }
  off(name, fn) {
    this.#listeners.set(name, (this.#listeners.get(name) || []).filter((l) => l !== fn && l.listener !== fn));
    return this;
  }
  emit(name, ...args) {
    const found = this.#listeners.get(name) || [];
    if (found.length === 0 && name === 'error') throw args[0] instanceof Error ? args[0] : new Error(String(args[0]));
    for (const fn of found) fn.apply(this, args);
    return found.length > 0;
  }
  removeAllListeners(name) {
    if (name === undefined) this.#listeners.clear(); else this.#listeners.delete(name);
    return this;
  }
  listeners(name) { return (this.#listeners.get(name) || []).map((l) => l.listener || l); }
  listenerCount(name) { return this.listeners(name).length; }
  eventNames() { return [...this.#listeners.keys()]; }
  setMaxListeners() { return this; }
}
EventEmitter.prototype.addListener = EventEmitter.prototype.on;
EventEmitter.prototype.removeListener = EventEmitter.prototype.off;
EventEmitter.EventEmitter = EventEmitter;

module.exports = EventEmitter;
