import Support
import Wire

/// Leases that nobody will give back: containerd, and every program that has it pull an image, takes one on
/// what is being made (a sandbox, a container, an image) so that it is not collected half done, and gives it
/// back a moment later. A containerd that is killed in between leaves it, with all that was half made, until
/// it expires: after a day.
///
/// Those go that have an id and an expiry as containerd's own client gives them, and are older than the containerd that runs:
/// who had them was cut off when the one before ended. And those that a k3s made which is not this one: there is one at a time.
struct AbandonedLeases: Sendable {
    let grpc: GRPCClient
    var timeout = Duration.seconds(60)

    /// Gives back those that were taken before `start`, when this containerd was started. Returns their ids, in
    /// order.
    func remove(before start: Timestamp) async throws(Fault) -> [String] {
        let leases: Items<LeaseRecord> = try await grpc.call(
            "/containerd.services.leases.v1.Leases/List", EmptyMessage(), metadata: .containerd,
            timeout: timeout, "cannot list leases")
        let abandoned = leases.items.filter { Self.isAbandoned($0, start: start) }.map(\.id).sorted()
        for id in abandoned {
            do throws(Fault) {
                let _: EmptyMessage = try await grpc.call(
                    "/containerd.services.leases.v1.Leases/Delete", IDRequest(id), metadata: .containerd,
                    timeout: timeout, "cannot remove the lease \(id)")
            } catch where error.code == .notFound {
                continue
            }
        }
        return abandoned
    }

    static func isAbandoned(_ lease: LeaseRecord, start: Timestamp) -> Bool {
        if lease.id.hasPrefix(ContainerdImages.leasePrefix) { return !lease.id.hasPrefix(ContainerdImages.ownLeasePrefix) }
        guard let created = lease.createdAt?.timestamp, created < start else { return false }
        return lease.labels["containerd.io/gc.expire"] != nil && isContainerds(lease.id)
    }

    /// The nanoseconds of the moment, and three random bytes in Base64 for addresses.
    static func isContainerds(_ id: String) -> Bool {
        let digits = id.utf8.prefix { isDigit($0) }
        let rest = id.utf8.dropFirst(digits.count)
        let (dash, underscore) = (UInt8(ascii: "-"), UInt8(ascii: "_"))
        guard (1...9).contains(digits.count), rest.count == 5, rest.first == dash else { return false }
        return rest.allSatisfy { isDigit($0) || isLetter($0) || $0 == dash || $0 == underscore }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        // Without the bit that tells small letters from large ones.
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte & ~0x20)
    }
}

/// `containerd.services.leases.v1.Lease`.
struct LeaseRecord: ProtobufMessage {
    /// `google.protobuf.Timestamp`.
    struct Moment: ProtobufMessage {
        var seconds: Int64 = 0
        var nanoseconds: Int32 = 0

        mutating func visit<F: ProtobufFields>(_ fields: inout F) {
            fields.integer(1, &seconds)
            fields.integer(2, &nanoseconds)
        }

        /// `nil` for what is none.
        var timestamp: Timestamp? {
            guard (0..<1_000_000_000).contains(nanoseconds) else { return nil }
            return Timestamp(seconds: seconds, nanoseconds: nanoseconds)
        }
    }

    var id = ""
    var createdAt: Moment?
    var labels: [String: String] = [:]

    mutating func visit<F: ProtobufFields>(_ fields: inout F) {
        fields.string(1, &id)
        fields.message(2, &createdAt)
        fields.map(3, &labels)
    }
}
