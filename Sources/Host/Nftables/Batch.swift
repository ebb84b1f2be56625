import CLinux
import Glibc
import Support

extension Nftables {
    /// A transaction as the kernel takes it: one datagram, its messages between a beginning and an end.
    struct Batch {
        private(set) var writer = NetlinkWriter()
        /// The change that each message belongs to, from the first one on; `nil` for the frame around them.
        private var origins: [Transaction.Command?] = []
        private let firstSequence: UInt32
        /// The message that is asked to answer when everything is done.
        private(set) var lastSequence: UInt32
        private let transaction: Transaction
        private var sequence: UInt32
        private var nextSetID: UInt32 = 1
        private var current: Transaction.Command?

        /// An element takes up to some 150 bytes, and a list of them at most 64 KiB.
        static let elementsPerMessage = 256

        /// With a `generation`, the kernel refuses the batch when the rules are not of it any more.
        init(_ transaction: Transaction, firstSequence: UInt32 = 1, generation: UInt32? = nil) {
            self.transaction = transaction
            self.firstSequence = firstSequence
            sequence = firstSequence
            lastSequence = firstSequence
            marker(Int32(NLMSG_MIN_TYPE)) { writer in
                if let generation { writer.put(1, network: generation) }  // NFNL_BATCH_GENID
            }
            let messages = transaction.commands.indices
            for index in messages {
                encode(transaction.commands[index], isLast: index == messages.last)
            }
            current = nil
            marker(Int32(NLMSG_MIN_TYPE) + 1) { _ in }
        }

        /// Whether the message with this sequence number is one of ours.
        func contains(_ sequence: UInt32) -> Bool { sequence &- firstSequence < UInt32(origins.count) }

        /// What the message tried, for the text of a fault.
        func label(of sequence: UInt32) -> String {
            let command = contains(sequence) ? origins[Int(sequence &- firstSequence)] : nil
            return command?.text(in: transaction) ?? "change table \(transaction.table)"
        }

        private mutating func marker(_ type: Int32, _ body: (inout NetlinkWriter) -> Void) {
            origins.append(nil)
            writer.message(Int(type), flags: NLM_F_REQUEST, sequence: sequence) { writer in
                writer.append(structure: NetfilterHeader(family: 0, resource: UInt16(NFNL_SUBSYS_NFTABLES)))
                body(&writer)
            }
            sequence &+= 1
        }

        private mutating func message(
            _ type: nf_tables_msg_types, flags: Int32 = 0, isLast: Bool,
            _ body: (inout NetlinkWriter) -> Void
        ) {
            origins.append(current)
            lastSequence = sequence
            let family = transaction.family.rawValue
            let flags = NLM_F_REQUEST | flags | (isLast ? NLM_F_ACK : 0)
            writer.message(
                Int(netfilterType(NFNL_SUBSYS_NFTABLES, type.code)), flags: flags, sequence: sequence
            ) {
                $0.append(structure: NetfilterHeader(family: family, resource: 0))
                body(&$0)
            }
            sequence &+= 1
        }

        private mutating func encode(_ command: Transaction.Command, isLast: Bool) {
            current = command
            let table = transaction.table
            switch command {
            case .addTable:
                message(NFT_MSG_NEWTABLE, flags: NLM_F_CREATE, isLast: isLast) {
                    $0.put(NFTA_TABLE_NAME, table)
                }
            case .deleteTable:
                message(NFT_MSG_DELTABLE, isLast: isLast) {
                    $0.put(NFTA_TABLE_NAME, table)
                }
            case .addSet(let set): add(set, id: takeSetID(), isLast: isLast)
            case .flushSet(let name):
                message(NFT_MSG_DELSETELEM, isLast: isLast) { writer in
                    writer.put(NFTA_SET_ELEM_LIST_TABLE, table)
                    writer.put(NFTA_SET_ELEM_LIST_SET, name)
                }
            case .deleteSet(let name):
                message(NFT_MSG_DELSET, isLast: isLast) { writer in
                    writer.put(NFTA_SET_TABLE, table)
                    writer.put(NFTA_SET_NAME, name)
                }
            case .addElements(let elements, let set):
                change(NFT_MSG_NEWSETELEM, elements, of: set, id: nil, isLast: isLast)
            case .deleteElements(let elements, let set):
                change(NFT_MSG_DELSETELEM, elements, of: set, id: nil, isLast: isLast)
            case .addChain(let chain): add(chain, isLast: isLast)
            case .flushChain(let name):
                message(NFT_MSG_DELRULE, isLast: isLast) { writer in
                    writer.put(NFTA_RULE_TABLE, table)
                    writer.put(NFTA_RULE_CHAIN, name)
                }
            case .deleteChain(let name):
                message(NFT_MSG_DELCHAIN, isLast: isLast) { writer in
                    writer.put(NFTA_CHAIN_TABLE, table)
                    writer.put(NFTA_CHAIN_NAME, name)
                }
            case .addRule(let rule, let chain): add(rule, to: chain, isLast: isLast)
            }
        }

        private mutating func takeSetID() -> UInt32 {
            defer { nextSetID += 1 }
            return nextSetID
        }

        private mutating func add(_ chain: Chain, isLast: Bool) {
            let table = transaction.table
            message(NFT_MSG_NEWCHAIN, flags: NLM_F_CREATE, isLast: isLast) {
                writer in
                writer.put(NFTA_CHAIN_TABLE, table)
                writer.put(NFTA_CHAIN_NAME, chain.name)
                guard let hook = chain.hook else { return }
                writer.nest(NFTA_CHAIN_HOOK) { writer in
                    writer.put(NFTA_HOOK_HOOKNUM, network: hook.point.rawValue)
                    writer.put(NFTA_HOOK_PRIORITY, network: hook.priority.number)
                }
                writer.put(NFTA_CHAIN_POLICY, network: chain.policy.rawValue)
                writer.put(NFTA_CHAIN_TYPE, hook.type)
            }
        }

        private mutating func add(_ rule: Rule, to chain: String, isLast: Bool) {
            let compiled = RuleCompiler.compile(rule, in: transaction.family, firstSetID: nextSetID)
            for (id, set) in compiled.anonymousSets {
                nextSetID = id + 1
                add(set, id: id, isLast: false)
                change(NFT_MSG_NEWSETELEM, set.elements, of: set, id: id, isLast: false)
            }
            let table = transaction.table
            message(NFT_MSG_NEWRULE, flags: NLM_F_CREATE | NLM_F_APPEND, isLast: isLast) { writer in
                writer.put(NFTA_RULE_TABLE, table)
                writer.put(NFTA_RULE_CHAIN, chain)
                writer.nest(NFTA_RULE_EXPRESSIONS) { writer in
                    for expression in compiled.expressions {
                        writer.nest(NFTA_LIST_ELEM) { expression.write(to: &$0) }
                    }
                }
                if let comment = rule.comment {
                    writer.put(NFTA_RULE_USERDATA, bytes: Self.userData(comment: comment))
                }
            }
        }

        private mutating func add(_ set: Set, id: UInt32, isLast: Bool) {
            let table = transaction.table
            message(NFT_MSG_NEWSET, flags: NLM_F_CREATE, isLast: isLast) {
                $0.put(NFTA_SET_TABLE, table)
                set.write(to: &$0, id: id)
            }
        }

        private mutating func change(
            _ type: nf_tables_msg_types, _ elements: [Element], of set: Set, id: UInt32?, isLast: Bool
        ) {
            let table = transaction.table
            var rest = elements[...]
            while !rest.isEmpty {
                let part = rest.prefix(Self.elementsPerMessage)
                rest = rest.dropFirst(Self.elementsPerMessage)
                let flags = type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0
                message(type, flags: flags, isLast: isLast && rest.isEmpty) { writer in
                    writer.put(NFTA_SET_ELEM_LIST_TABLE, table)
                    writer.put(NFTA_SET_ELEM_LIST_SET, set.name)
                    if let id { writer.put(NFTA_SET_ELEM_LIST_SET_ID, network: id) }
                    writer.nest(NFTA_SET_ELEM_LIST_ELEMENTS) { writer in
                        for element in part { element.write(to: &writer, in: set) }
                    }
                }
            }
        }

        /// nft(8) keeps comments as type 0, length, and text with its zero.
        private static func userData(comment: String) -> [UInt8] {
            let text = comment.utf8.prefix(127)
            return [0, UInt8(text.count + 1)] + text + [0]
        }
    }
}

/// `struct nfgenmsg`.
struct NetfilterHeader: BitwiseCopyable {
    var family: UInt8
    var version: UInt8 = 0
    /// In network byte order.
    var resource: UInt16

    init(family: UInt8, resource: UInt16) {
        self.family = family
        self.resource = resource.bigEndian
    }
}

/// The number of a message of one of netfilter's parts.
func netfilterType(_ subsystem: Int32, _ message: UInt16) -> UInt16 {
    UInt16(subsystem) << 8 | message
}
