import API
import APIMachinery
import PKI
import Support

/// The lease by which an API server tells that it is there (KEP-1965), and how that of one which is gone is known. Pure;
/// its shell is ``IdentityLeaseKeeper``.
struct IdentityLease: Sendable {
    static let namespace = "kube-system"
    static let label = "apiserver.kubernetes.io/identity"
    static let component = "kube-apiserver"

    /// How long the lease holds after it was renewed.
    static let lifetime = Duration.seconds(3600)
    /// How often it is renewed: two times may fail before the server counts as gone. Kubernetes renews it every ten
    /// seconds, of which nobody has anything.
    static let period = Duration.seconds(1200)

    let hostname: String
    /// The lease's own, the same after each start of this machine.
    let name: ObjectName
    /// This run of the server.
    private let holder: String

    /// `run` is a text that no other run of a server has.
    init(hostname: String, run: String) {
        self.hostname = hostname
        let hash = Digest.sha256([hostname, Self.component].flatMap(Self.counted))
        let id = "apiserver-" + Self.base32(hash.prefix(16))
        name = ObjectName(namespace: Self.namespace, name: id)
        holder = id + "_" + run
    }

    /// The lease as it should be; `present` is what there is of it.
    func renewed(_ present: Lease?, at now: Timestamp) -> Lease {
        var lease = present ?? Lease(namespace: name.namespace, name: name.name)
        lease.metadata.labels[Self.label] = Self.component
        lease.metadata.labels["kubernetes.io/hostname"] = hostname
        lease.spec.holderIdentity = holder
        lease.spec.leaseDurationSeconds = Int(Self.lifetime.components.seconds)
        lease.spec.renewTime = now
        return lease
    }

    /// Whether the lease is that of an API server which is gone.
    static func isForsaken(_ lease: Lease, at now: Timestamp) -> Bool {
        guard lease.metadata.namespace == namespace, lease.metadata.labels[label] == component else { return false }
        // Every API server says both.
        guard let renewed = lease.spec.renewTime, let seconds = lease.spec.leaseDurationSeconds else { return true }
        return now - renewed > .seconds(seconds)
    }

    /// The text behind its length in two bytes, so that no two lists of texts look the same.
    private static func counted(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8.prefix(Int(UInt16.max)))
        return [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes
    }

    /// RFC 4648, section 6, in lower case and without padding.
    private static func base32(_ bytes: some Sequence<UInt8>) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
        var text: [UInt8] = []
        var (held, bits) = (0, 0)
        for byte in bytes {
            held = (held << 8 | Int(byte)) & 0xFFF
            bits += 8
            while bits >= 5 {
                bits -= 5
                text.append(alphabet[(held >> bits) & 31])
            }
        }
        if bits > 0 { text.append(alphabet[(held << (5 - bits)) & 31]) }
        return String(decoding: text, as: UTF8.self)
    }
}
