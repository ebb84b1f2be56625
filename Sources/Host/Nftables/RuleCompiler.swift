import CLinux
import Support

extension Nftables {
    /// Turns a rule into the kernel's instructions, as nft(8) would: each statement begins with the registers
    /// free.
    struct RuleCompiler {
        private(set) var expressions: [Expression] = []
        /// The sets of the rule's own, to be made before it, with the numbers by which it refers to them.
        private(set) var anonymousSets: [(id: UInt32, set: Set)] = []
        private let family: Family
        private var nextSetID: UInt32
        private var established: Swift.Set<Field.Condition> = []

        static func compile(
            _ rule: Rule, in family: Family, firstSetID: UInt32
        ) -> (expressions: [Expression], anonymousSets: [(id: UInt32, set: Set)]) {
            var compiler = RuleCompiler(family: family, firstSetID: firstSetID)
            for statement in rule.statements { compiler.compile(statement) }
            return (compiler.expressions, compiler.anonymousSets)
        }

        private init(family: Family, firstSetID: UInt32) {
            self.family = family
            nextSetID = firstSetID
        }

        private mutating func compile(_ statement: Statement) {
            let first = Register(0)
            switch statement {
            case .match(let field, let match): compile(field, match)
            case .matchAll(let fields, let set, let isNegated):
                load(fields)
                emit(.lookup(first, in: resolve(set), isNegated: isNegated))
            case .vmap(let fields, let set):
                load(fields)
                emit(.lookup(first, in: resolve(set), result: .verdict))
            case .verdict(let verdict): emit(.verdict(verdict))
            case .dnat(let translation): compile(NFT_NAT_DNAT, translation)
            case .snat(let translation): compile(NFT_NAT_SNAT, translation)
            case .masquerade(let fullyRandom): emit(.masquerade(fullyRandom: fullyRandom))
            case .redirect(let port):
                emit(.immediate(Value.port(port).first, into: first))
                emit(.redirect(port: first))
            case .counter: emit(.counter)
            case .setMark(let value, let kept): setMark(value, keeping: kept)
            case .update(let set, let fields, let timeout):
                load(fields)
                emit(.enter(set, NFT_DYNSET_OP_UPDATE, key: first, timeout: timeout))
            case .add(let set, let fields, let timeout):
                load(fields)
                emit(.enter(set, NFT_DYNSET_OP_ADD, key: first, timeout: timeout))
            case .notrack: emit(.notrack)
            case .reject(let rejection): compile(rejection)
            case .log(let prefix): emit(.log(prefix: prefix))
            }
        }

        private mutating func emit(_ expression: Expression) { expressions.append(expression) }

        /// Loads the fields one after the other, as they lie in the key of a set.
        private mutating func load(_ fields: [Field]) {
            for field in fields { require(field.condition) }
            var register: Register? = Register(0)
            for (index, field) in fields.enumerated() {
                guard let target = register else { return }
                emit(field.load(into: target))
                register = index + 1 < fields.count ? target.after(field.length) : nil
            }
        }

        /// Adds a condition, unless the table or the rule has it already.
        private mutating func require(_ condition: Field.Condition?) {
            guard let condition, !isImplied(condition), established.insert(condition).inserted else { return }
            emit(condition.field.load(into: Register(0)))
            emit(.compare(Register(0), NFT_CMP_EQ, [condition.value]))
        }

        private func isImplied(_ condition: Field.Condition) -> Bool {
            condition.field == .meta(.nfproto) && condition.value == family.rawValue
        }

        private mutating func compile(_ field: Field, _ match: Match) {
            load([field])
            let first = Register(0)
            switch match {
            case .is(let value):
                compare(first, value, NFT_CMP_EQ, NFT_RANGE_EQ)
                if value.isSingle, value.first.count == 1 {
                    established.insert(Field.Condition(field: field, value: value.first[0]))
                }
            case .isNot(let value): compare(first, value, NFT_CMP_NEQ, NFT_RANGE_NEQ)
            case .in(let set): emit(.lookup(first, in: resolve(set)))
            case .notIn(let set): emit(.lookup(first, in: resolve(set), isNegated: true))
            case .anyState(let states): compare(bits: states.rawValue, NFT_CMP_NEQ, 0)
            case .anyStatus(let status): compare(bits: status.rawValue, NFT_CMP_NEQ, 0)
            case .bits(let mask, are: let value): compare(bits: mask, NFT_CMP_EQ, value)
            case .otherBits(let mask, than: let value): compare(bits: mask, NFT_CMP_NEQ, value)
            case .type(let type): emit(.compare(first, NFT_CMP_EQ, Value.number(type.rawValue).first))
            case .notType(let type): emit(.compare(first, NFT_CMP_NEQ, Value.number(type.rawValue).first))
            }
        }

        private mutating func compare(
            _ register: Register, _ value: Value, _ single: nft_cmp_ops, _ range: nft_range_ops
        ) {
            if value.isSingle {
                emit(.compare(register, single, value.first))
            } else if let mask = value.prefixMask {
                emit(.bitwise(register, mask: mask, flip: Array(repeating: 0, count: mask.count)))
                emit(.compare(register, single, value.first))
            } else {
                emit(.range(register, range, from: value.first, to: value.last))
            }
        }

        private mutating func compare(bits mask: UInt32, _ operation: nft_cmp_ops, _ value: UInt32) {
            emit(.bitwise(Register(0), mask: Value.number(mask).first, flip: [0, 0, 0, 0]))
            emit(.compare(Register(0), operation, Value.number(value).first))
        }

        private mutating func setMark(_ value: UInt32, keeping kept: UInt32) {
            let register = Register(0)
            if kept == 0 {
                emit(.immediate(Value.number(value).first, into: register))
            } else {
                emit(.meta(NFT_META_MARK, into: register))
                emit(.bitwise(register, mask: Value.number(kept).first, flip: Value.number(value).first))
            }
            emit(.setMeta(NFT_META_MARK, from: register))
        }

        private mutating func compile(_ type: nft_nat_types, _ translation: Translation) {
            let address = Register(0)
            let port = address.after(translation.family == .v4 ? 4 : 16)
            let hasPort: Bool
            switch translation {
            case .to(let ip, let number):
                hasPort = number != nil
                emit(.immediate(ip.bytes, into: address))
                if let number { emit(.immediate(Value.port(number).first, into: port)) }
            case .map(let fields, let set, _, let withPort):
                hasPort = withPort
                load(fields)
                emit(.lookup(address, in: resolve(set), result: address))
            }
            emit(.translate(type, translation.family, address: address, port: hasPort ? port : nil))
        }

        private mutating func compile(_ rejection: Rejection) {
            guard rejection != .tcpReset else {
                require(Field.tcp(.dport).condition)
                return emit(.reject(NFT_REJECT_TCP_RST, code: 0))
            }
            switch family {
            case .ip, .ip6: emit(.reject(NFT_REJECT_ICMP_UNREACH, code: rejection.code(in: family)))
            case .inet, .bridge: emit(.reject(NFT_REJECT_ICMPX_UNREACH, code: rejection.code(in: family)))
            }
        }

        private mutating func resolve(_ reference: SetReference) -> (name: String, id: UInt32?) {
            switch reference {
            case .named(let name): return (name, nil)
            case .anonymous(let elements, let key, let value):
                defer { nextSetID += 1 }
                // The kernel puts a number for %d.
                let name = value == .none ? "__set%d" : "__map%d"
                var set = Set(name, key: key, value: value, elements: elements)
                if elements.contains(where: { $0.key.contains { !$0.isSingle } }) {
                    set.flags.insert(.interval)
                }
                anonymousSets.append((nextSetID, set))
                return (name, nextSetID)
            }
        }
    }
}

extension Nftables.Value {
    /// The bits that all values of a prefix share; `nil` for what is no prefix.
    fileprivate var prefixMask: [UInt8]? {
        guard let prefixLength else { return nil }
        return first.indices.map { index in
            let ones = min(max(prefixLength - index * 8, 0), 8)
            return ones == 0 ? 0 : UInt8.max << UInt8(8 - ones)
        }
    }
}

extension Nftables.Rejection {
    /// Of ICMP (RFC 792, 1812), of ICMPv6 (RFC 4443), or the kernel's name for both.
    fileprivate func code(in family: Nftables.Family) -> UInt8 {
        switch (self, family) {
        case (.hostUnreachable, .ip): 1
        case (.administrativelyProhibited, .ip): 13
        case (_, .ip): 3
        case (.hostUnreachable, .ip6): 3
        case (.administrativelyProhibited, .ip6): 1
        case (_, .ip6): 4
        case (.hostUnreachable, _): UInt8(NFT_REJECT_ICMPX_HOST_UNREACH.rawValue)
        case (.administrativelyProhibited, _): UInt8(NFT_REJECT_ICMPX_ADMIN_PROHIBITED.rawValue)
        case (_, _): UInt8(NFT_REJECT_ICMPX_PORT_UNREACH.rawValue)
        }
    }
}
