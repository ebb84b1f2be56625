import CLinux
import Support

extension Nftables {
    /// One of the 16 registers of 4 bytes in which a rule works; longer values take several.
    struct Register: Hashable {
        let number: UInt32

        /// Register 0 ..< 16 (`NFT_REG32_00` and on).
        init(_ index: Int) {
            precondition((0..<16).contains(index), "a rule has 16 registers: look up fewer fields at once")
            number = NFT_REG32_00.rawValue + UInt32(index)
        }

        private init(verdict number: UInt32) { self.number = number }

        /// Where the fate of the packet is put.
        static let verdict = Register(verdict: NFT_REG_VERDICT.rawValue)

        /// The one after a value of this many bytes.
        func after(_ length: Int) -> Register {
            Register(Int(number - NFT_REG32_00.rawValue) + (length + 3) / 4)
        }
    }

    /// An instruction of the kernel's rule machine, encoded.
    struct Expression: Hashable, Sendable {
        let name: String
        /// Its attributes.
        let data: [UInt8]

        private init(_ name: String, _ body: (inout NetlinkWriter) -> Void = { _ in }) {
            self.name = name
            var writer = NetlinkWriter()
            body(&writer)
            data = writer.bytes
        }

        func write(to writer: inout NetlinkWriter) {
            writer.put(NFTA_EXPR_NAME, name)
            if !data.isEmpty { writer.nest(NFTA_EXPR_DATA) { $0.appendEncoded(data) } }
        }
    }
}

// Loading.
extension Nftables.Expression {
    typealias Register = Nftables.Register

    static func payload(
        _ base: nft_payload_bases, offset: UInt32, length: UInt32, into register: Register
    ) -> Self {
        Self("payload") { writer in
            writer.put(NFTA_PAYLOAD_DREG, network: register.number)
            writer.put(NFTA_PAYLOAD_BASE, network: base.rawValue)
            writer.put(NFTA_PAYLOAD_OFFSET, network: offset)
            writer.put(NFTA_PAYLOAD_LEN, network: length)
        }
    }

    static func meta(_ key: nft_meta_keys, into register: Register) -> Self {
        Self("meta") { writer in
            writer.put(NFTA_META_DREG, network: register.number)
            writer.put(NFTA_META_KEY, network: key.rawValue)
        }
    }

    static func setMeta(_ key: nft_meta_keys, from register: Register) -> Self {
        Self("meta") { writer in
            writer.put(NFTA_META_KEY, network: key.rawValue)
            writer.put(NFTA_META_SREG, network: register.number)
        }
    }

    static func conntrack(_ key: nft_ct_keys, into register: Register) -> Self {
        Self("ct") { writer in
            writer.put(NFTA_CT_DREG, network: register.number)
            writer.put(NFTA_CT_KEY, network: key.rawValue)
        }
    }

    static func addressType(of address: Nftables.Field.Address, into register: Register) -> Self {
        Self("fib") { writer in
            writer.put(NFTA_FIB_DREG, network: register.number)
            writer.put(NFTA_FIB_RESULT, network: NFT_FIB_RESULT_ADDRTYPE.rawValue)
            writer.put(
                NFTA_FIB_FLAGS, network: (address == .saddr ? NFTA_FIB_F_SADDR : NFTA_FIB_F_DADDR).rawValue)
        }
    }

    static func random(below modulus: UInt32, into register: Register) -> Self {
        Self("numgen") { writer in
            writer.put(NFTA_NG_DREG, network: register.number)
            writer.put(NFTA_NG_MODULUS, network: modulus)
            writer.put(NFTA_NG_TYPE, network: NFT_NG_RANDOM.rawValue)
        }
    }

    static func immediate(_ bytes: [UInt8], into register: Register) -> Self {
        Self("immediate") { writer in
            writer.put(NFTA_IMMEDIATE_DREG, network: register.number)
            writer.putData(NFTA_IMMEDIATE_DATA, bytes)
        }
    }

    static func verdict(_ verdict: Nftables.Verdict) -> Self {
        Self("immediate") { writer in
            writer.put(NFTA_IMMEDIATE_DREG, network: Register.verdict.number)
            writer.putVerdict(NFTA_IMMEDIATE_DATA, verdict)
        }
    }
}

// Comparing.
extension Nftables.Expression {
    static func compare(_ register: Register, _ operation: nft_cmp_ops, _ bytes: [UInt8]) -> Self {
        Self("cmp") { writer in
            writer.put(NFTA_CMP_SREG, network: register.number)
            writer.put(NFTA_CMP_OP, network: operation.rawValue)
            writer.putData(NFTA_CMP_DATA, bytes)
        }
    }

    static func range(
        _ register: Register, _ operation: nft_range_ops, from first: [UInt8], to last: [UInt8]
    ) -> Self {
        Self("range") { writer in
            writer.put(NFTA_RANGE_SREG, network: register.number)
            writer.put(NFTA_RANGE_OP, network: operation.rawValue)
            writer.putData(NFTA_RANGE_FROM_DATA, first)
            writer.putData(NFTA_RANGE_TO_DATA, last)
        }
    }

    /// `register & mask ^ flip`, in place.
    static func bitwise(_ register: Register, mask: [UInt8], flip: [UInt8]) -> Self {
        Self("bitwise") { writer in
            writer.put(NFTA_BITWISE_SREG, network: register.number)
            writer.put(NFTA_BITWISE_DREG, network: register.number)
            writer.put(NFTA_BITWISE_LEN, network: UInt32(mask.count))
            writer.putData(NFTA_BITWISE_MASK, mask)
            writer.putData(NFTA_BITWISE_XOR, flip)
        }
    }

    /// `result` is where a map's value goes; `nil` for a set.
    static func lookup(
        _ register: Register, in set: (name: String, id: UInt32?), result: Register? = nil,
        isNegated: Bool = false
    ) -> Self {
        Self("lookup") { writer in
            writer.put(NFTA_LOOKUP_SET, set.name)
            writer.put(NFTA_LOOKUP_SREG, network: register.number)
            if let result { writer.put(NFTA_LOOKUP_DREG, network: result.number) }
            if let id = set.id { writer.put(NFTA_LOOKUP_SET_ID, network: id) }
            if isNegated { writer.put(NFTA_LOOKUP_FLAGS, network: NFT_LOOKUP_F_INV.rawValue) }
        }
    }
}

// Effects.
extension Nftables.Expression {
    static func translate(
        _ type: nft_nat_types, _ family: IPAddress.Family, address: Register, port: Register?
    ) -> Self {
        Self("nat") { writer in
            writer.put(NFTA_NAT_TYPE, network: type.rawValue)
            writer.put(NFTA_NAT_FAMILY, network: UInt32(family.number))
            writer.put(NFTA_NAT_REG_ADDR_MIN, network: address.number)
            if let port { writer.put(NFTA_NAT_REG_PROTO_MIN, network: port.number) }
        }
    }

    static func masquerade(fullyRandom: Bool) -> Self {
        // NF_NAT_RANGE_PROTO_RANDOM_FULLY
        Self("masq") { writer in if fullyRandom { writer.put(NFTA_MASQ_FLAGS, network: UInt32(1 << 4)) } }
    }

    static func redirect(port: Register) -> Self {
        Self("redir") { $0.put(NFTA_REDIR_REG_PROTO_MIN, network: port.number) }
    }

    static let counter = Self("counter") { writer in
        writer.put(NFTA_COUNTER_BYTES, network: UInt64(0))
        writer.put(NFTA_COUNTER_PACKETS, network: UInt64(0))
    }

    static func enter(
        _ set: String, _ operation: nft_dynset_ops, key: Register, timeout: Duration?
    ) -> Self {
        Self("dynset") { writer in
            writer.put(NFTA_DYNSET_SET_NAME, set)
            writer.put(NFTA_DYNSET_OP, network: operation.rawValue)
            writer.put(NFTA_DYNSET_SREG_KEY, network: key.number)
            if let timeout { writer.put(NFTA_DYNSET_TIMEOUT, network: timeout.milliseconds) }
        }
    }

    static let notrack = Self("notrack")

    static func reject(_ type: nft_reject_types, code: UInt8) -> Self {
        Self("reject") { writer in
            writer.put(NFTA_REJECT_TYPE, network: type.rawValue)
            writer.put(NFTA_REJECT_ICMP_CODE, code)
        }
    }

    static func log(prefix: String) -> Self { Self("log") { $0.put(NFTA_LOG_PREFIX, prefix) } }
}

extension NetlinkWriter {
    /// `NFTA_DATA_VALUE`: plain bytes.
    mutating func putData(_ key: some NetlinkKey, _ bytes: [UInt8]) {
        nest(key) { $0.put(NFTA_DATA_VALUE, bytes: bytes) }
    }

    /// `NFTA_DATA_VERDICT`.
    mutating func putVerdict(_ key: some NetlinkKey, _ verdict: Nftables.Verdict) {
        nest(key) { writer in
            writer.nest(NFTA_DATA_VERDICT) { writer in
                writer.put(NFTA_VERDICT_CODE, network: verdict.code)
                if let chain = verdict.chain { writer.put(NFTA_VERDICT_CHAIN, chain) }
            }
        }
    }
}

extension Nftables.Verdict {
    var code: Int32 {
        switch self {
        case .drop: NF_DROP
        case .accept: NF_ACCEPT
        case .continue: Int32(NFT_CONTINUE.rawValue)
        case .jump: Int32(NFT_JUMP.rawValue)
        case .goto: Int32(NFT_GOTO.rawValue)
        case .return: Int32(NFT_RETURN.rawValue)
        }
    }

    var chain: String? {
        switch self {
        case .jump(let chain), .goto(let chain): chain
        default: nil
        }
    }
}
