import CLinux
import Glibc
public import Support

extension Nftables {
    /// The rules of one network namespace. Not `Sendable`: make one where it is needed.
    public final class Socket {
        private let socket: NetlinkSocket
        private var sequence: UInt32 = 1

        /// Of this namespace, or of the calling thread's.
        public init(in namespace: NetworkNamespace? = nil) throws(Fault) {
            socket = try NetlinkSocket(protocol: NETLINK_NETFILTER, in: namespace)
        }

        // nft -f FILE
        /// Carries out a transaction, all of it or nothing. The fault names the change that the kernel
        /// refuses.
        ///
        /// With a `generation` (``generation()``) it fails with the code `conflict` when anybody has changed
        /// any rule since: look again and decide again.
        public func commit(_ transaction: Transaction, ifGeneration generation: UInt32? = nil) throws(Fault) {
            guard !transaction.isEmpty else { return }
            let batch = Batch(transaction, firstSequence: sequence, generation: generation)
            sequence = batch.lastSequence &+ 2
            do throws(NetlinkError) {
                try makeRoom(for: batch.writer.bytes.count)
                try socket.send(batch.writer.bytes)
                try awaitOutcome(of: batch)
            } catch {
                throw Fault(
                    error, "cannot \(batch.label(of: error.sequence))")
            }
        }

        /// A batch must fit the socket's buffer as a whole, and the answers to it the other one. In a user namespace the
        /// kernel's limits hold (`net.core.wmem_max`): what does not fit then is refused when it is sent.
        private func makeRoom(for count: Int) throws(NetlinkError) {
            let size = Int32(clamping: max(256 << 10, count + 4096))
            do throws(Errno) {
                for (forced, allowed) in [(SO_SNDBUFFORCE, SO_SNDBUF), (SO_RCVBUFFORCE, SO_RCVBUF)] {
                    do throws(Errno) { try socket.descriptor.set(SOL_SOCKET, forced, size) } catch Errno(EPERM) {
                        try socket.descriptor.set(SOL_SOCKET, allowed, size)
                    }
                }
            } catch {
                throw NetlinkError(errno: error)
            }
        }

        /// The kernel has answered when the sending returns: an error for each message that it refuses, or
        /// the acknowledgement of the last one. The first error is the one that matters.
        private func awaitOutcome(of batch: Batch) throws(NetlinkError) {
            while true {
                for message in try socket.receive() where message.type == UInt16(NLMSG_ERROR) {
                    guard batch.contains(message.sequence) else { continue }
                    if let error = message.error {
                        drain()
                        throw error
                    }
                    if message.sequence == batch.lastSequence { return }
                }
            }
        }

        private func drain() {
            while (try? socket.receive(flags: Int32(MSG_DONTWAIT))) != nil {}
        }

        /// A number that changes with every change of any rule in this namespace.
        public func generation() throws(Fault) -> UInt32 {
            let type = Int(netfilterType(NFNL_SUBSYS_NFTABLES, NFT_MSG_GETGEN.code))
            do throws(NetlinkError) {
                let answer = try socket.ask(type) {
                    $0.append(structure: NetfilterHeader(family: 0, resource: 0))
                }
                let attributes = answer.attributes(after: NetfilterHeader.self)
                guard let number = attributes[NFTA_GEN_ID]?.networkU32 else {
                    throw NetlinkError(errno: Errno(EBADMSG))
                }
                return number
            } catch {
                throw Fault(error, "cannot read the generation of the rules")
            }
        }

        // nft list tables
        /// The names of the tables of a family.
        public func tables(_ family: Family) throws(Fault) -> [String] {
            try dump("tables", NFT_MSG_GETTABLE, family) { _ in }.compactMap { $0[NFTA_TABLE_NAME]?.text }
        }

        // nft list chains
        /// The names of a table's chains.
        public func chains(_ family: Family, _ table: String) throws(Fault) -> [String] {
            try dump("chains", NFT_MSG_GETCHAIN, family) { $0.put(NFTA_CHAIN_TABLE, table) }
                .filter { $0[NFTA_CHAIN_TABLE]?.text == table }.compactMap { $0[NFTA_CHAIN_NAME]?.text }
        }

        /// A member of a set as the kernel has it.
        public struct StoredElement: Hashable, Sendable {
            /// The parts of a concatenation, each padded to four bytes.
            public var key: [UInt8]
            /// Of a map that leads to data.
            public var value: [UInt8]?
            /// The chain that a verdict map leads to.
            public var chain: String?
            /// How long it stays; `nil` for ever.
            public var remaining: Duration?
        }

        // nft list set
        /// The elements of a set or map.
        public func elements(
            of set: String, in table: String, _ family: Family
        ) throws(Fault) -> [StoredElement] {
            let lists = try dump("the elements of \(set)", NFT_MSG_GETSETELEM, family) { writer in
                writer.put(NFTA_SET_ELEM_LIST_TABLE, table)
                writer.put(NFTA_SET_ELEM_LIST_SET, set)
            }
            return lists.flatMap { $0[NFTA_SET_ELEM_LIST_ELEMENTS]?.nested.all ?? [] }
                .compactMap { StoredElement($0.value.nested) }
        }

        private func dump(
            _ summary: String, _ type: nf_tables_msg_types, _ family: Family,
            _ attributes: (inout NetlinkWriter) -> Void
        ) throws(Fault) -> [NetlinkAttributes] {
            do throws(NetlinkError) {
                return try socket.dump(Int(netfilterType(NFNL_SUBSYS_NFTABLES, type.code))) { writer in
                    writer.append(structure: NetfilterHeader(family: family.rawValue, resource: 0))
                    attributes(&writer)
                }.map { $0.attributes(after: NetfilterHeader.self) }
            } catch {
                throw Fault(error, "cannot list \(summary)")
            }
        }
    }
}

extension Nftables.Socket.StoredElement {
    fileprivate init?(_ attributes: NetlinkAttributes) {
        guard let key = attributes[NFTA_SET_ELEM_KEY]?.nested[NFTA_DATA_VALUE] else { return nil }
        let data = attributes[NFTA_SET_ELEM_DATA]?.nested
        self.key = Array(key.bytes)
        value = data?[NFTA_DATA_VALUE].map { Array($0.bytes) }
        chain = data?[NFTA_DATA_VERDICT]?.nested[NFTA_VERDICT_CHAIN]?.text
        remaining = attributes[NFTA_SET_ELEM_EXPIRATION]?.networkU64.map {
            .milliseconds(Int64(clamping: $0))
        }
    }
}
