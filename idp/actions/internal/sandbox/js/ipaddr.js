// ipaddr.js: addresses, networks, ranges.

const ranges = {
  ipv4: [
    ['unspecified', '0.0.0.0', 8], ['broadcast', '255.255.255.255', 32], ['multicast', '224.0.0.0', 4],
    ['linkLocal', '169.254.0.0', 16], ['loopback', '127.0.0.0', 8], ['carrierGradeNat', '100.64.0.0', 10],
    ['private', '10.0.0.0', 8], ['private', '172.16.0.0', 12], ['private', '192.168.0.0', 16],
    ['reserved', '192.0.0.0', 24], ['reserved', '192.0.2.0', 24], ['reserved', '198.51.100.0', 24],
    ['reserved', '203.0.113.0', 24], ['reserved', '240.0.0.0', 4],
  ],
  ipv6: [
    ['unspecified', '::', 128], ['loopback', '::1', 128], ['linkLocal', 'fe80::', 10], ['multicast', 'ff00::', 8],
    ['uniqueLocal', 'fc00::', 7], ['ipv4Mapped', '::ffff:0:0', 96], ['rfc6145', '::ffff:0:0:0', 96],
    ['rfc6052', '64:ff9b::', 96], ['6to4', '2002::', 16], ['teredo', '2001::', 32], ['reserved', '2001:db8::', 32],
  ],
};

class Address {
  constructor(octets, zone) { this.octets = octets; if (zone) this.zoneId = zone; }
  kind() { return this.octets.length === 4 ? 'ipv4' : 'ipv6'; }
  toByteArray() { return this.octets.slice(); }
  match(other, bits) {
    if (Array.isArray(other)) [other, bits] = other;
    if (other.kind() !== this.kind()) throw new Error(`ipaddr: cannot match ${this.kind()} address with non-${this.kind()} one`);
    for (let i = 0, left = bits; left > 0; i++, left -= 8) {
      const shift = Math.max(0, 8 - left);
      if (this.octets[i] >> shift !== other.octets[i] >> shift) return false;
    }
    return true;
  }
  range() {
    const found = ranges[this.kind()].find(([, net, bits]) => this.match(parse(net), bits));
    return found ? found[0] : 'unicast';
  }
  prefixLengthFromSubnetMask() {
    const bits = this.octets.map((o) => o.toString(2).padStart(8, '0')).join('');
    return /^1*0*$/.test(bits) ? bits.lastIndexOf('1') + 1 : null;
  }
  toNormalizedString() { return this.toString(); }
}

class IPv4 extends Address {
  toString() { return this.octets.join('.'); }
  toIPv4MappedAddress() { return new IPv6([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...this.octets]); }
  static isValid(text) { const a = read(text); return a !== null && a.kind() === 'ipv4'; }
  static isIPv4(text) { return IPv4.isValid(text); }
  static parse(text) { return want(text, 'ipv4'); }
  static parseCIDR(text) { return wantNet(text, 'ipv4'); }
}

class IPv6 extends Address {
  get parts() { return Array.from({ length: 8 }, (_, i) => (this.octets[2 * i] << 8) | this.octets[2 * i + 1]); }
  isIPv4MappedAddress() { return this.range() === 'ipv4Mapped'; }
  toIPv4Address() {
    if (!this.isIPv4MappedAddress()) throw new Error('ipaddr: trying to convert a generic ipv6 address to ipv4');
    return new IPv4(this.octets.slice(12));
  }
  toNormalizedString() { return this.parts.map((p) => p.toString(16)).join(':') + (this.zoneId ? `%${this.zoneId}` : ''); }
  toString() {
    const parts = this.parts.map((p) => p.toString(16));
    const [from, size] = longestZeros(parts);
    const text = size < 2 ? parts.join(':') : `${parts.slice(0, from).join(':')}::${parts.slice(from + size).join(':')}`;
    return text + (this.zoneId ? `%${this.zoneId}` : '');
  }
  static isValid(text) { const a = read(text); return a !== null && a.kind() === 'ipv6'; }
  static isIPv6(text) { return IPv6.isValid(text); }
  static parse(text) { return want(text, 'ipv6'); }
  static parseCIDR(text) { return wantNet(text, 'ipv6'); }
}

// longestZeros finds the run that "::" stands for (RFC 5952 §4.2).
const longestZeros = (parts) => {
  let best = [0, 0];
  for (let i = 0, run = 0; i < parts.length; i++) {
    run = parts[i] === '0' ? run + 1 : 0;
    if (run > best[1]) best = [i - run + 1, run];
  }
  return best;
};

const read = (text) => {
  const found = native.parseIP(String(text));
  if (found === null) return null;
  const octets = Array.from(found.octets);
  return found.kind === 'ipv4' ? new IPv4(octets) : new IPv6(octets, found.zone);
};
const parse = (text) => {
  const a = read(text);
  if (a === null) throw new Error('ipaddr: the address has neither IPv6 nor IPv4 format');
  return a;
};
const want = (text, kind) => {
  const a = read(text);
  if (a === null || a.kind() !== kind) throw new Error(`ipaddr: string is not formatted like an ${kind === 'ipv4' ? 'IPv4' : 'IPv6'} Address`);
  return a;
};
const parseCIDR = (text) => {
  const found = /^(.+)\/(\d{1,3})$/.exec(String(text));
  const a = found && read(found[1]);
  if (!a || Number(found[2]) > a.octets.length * 8) throw new Error('ipaddr: the address has neither IPv6 nor IPv4 CIDR format');
  return [a, Number(found[2])];
};
const wantNet = (text, kind) => {
  const net = parseCIDR(text);
  if (net[0].kind() !== kind) throw new Error(`ipaddr: string is not formatted like an ${kind === 'ipv4' ? 'IPv4' : 'IPv6'} CIDR range`);
  return net;
};

Object.assign(exports, {
  IPv4, IPv6, parse, parseCIDR,
  isValid: (text) => read(text) !== null,
  isValidCIDR: (text) => { try { return parseCIDR(text).length === 2; } catch (e) { return false; } },
  process(text) {
    const a = parse(text);
    return a.kind() === 'ipv6' && a.isIPv4MappedAddress() ? a.toIPv4Address() : a;
  },
  fromByteArray: (octets) => (octets.length === 4 ? new IPv4(octets) : new IPv6(octets)),
  subnetMatch(address, list, fallback = 'unicast') {
    for (const [name, nets] of Object.entries(list)) {
      const all = nets[0] && !Array.isArray(nets[0]) ? [nets] : nets;
      if (all.some((net) => net[0].kind() === address.kind() && address.match(net))) return name;
    }
    return fallback;
  },
});
