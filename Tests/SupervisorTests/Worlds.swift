import Host
import PKI
import Support

@testable import Supervisor

let start = Timestamp(seconds: 1_800_000_000)
let day = Duration.seconds(86_400)

/// A server's disk in memory: plans run on it as they would on files.
struct Disk {
    private(set) var snapshot = FileSnapshot()
    private(set) var modes: [String: FileMode] = [:]
    private(set) var changes: [FileChange] = []

    static func request(at now: Timestamp = start) -> ServerCredentialsRequest {
        ServerCredentialsRequest(
            dataDirectory: "/data", nodeName: "one.example.org", nodeAddresses: [address("192.168.1.10")],
            serviceAddresses: [address("10.43.0.1")], now: now)
    }

    /// Starts a server: its credentials, after their changes were made.
    mutating func run(_ request: ServerCredentialsRequest) throws -> ServerCredentials {
        var plan = CredentialsPlan(request, found: snapshot)
        var credentials = try plan.make()
        // The kind of key does not matter here, and P-256 is quick.
        try plan.addServiceAccountKeys(plan.needsServiceAccountKey ? .generateP256() : nil, to: &credentials)
        changes = plan.changes + credentials.publication
        for change in changes { apply(change) }
        return credentials
    }

    mutating func apply(_ change: FileChange) {
        (snapshot.files[change.path], snapshot.links[change.path], modes[change.path]) = (nil, nil, nil)
        switch change {
        case .write(let path, let bytes, let mode, _): (snapshot.files[path], modes[path]) = (bytes, mode)
        case .link(let path, let target): snapshot.links[path] = target
        case .remove: break
        }
    }

    func text(_ path: String) -> String? { snapshot.files[path].map { String(decoding: $0, as: UTF8.self) } }
}

func address(_ text: String) -> IPAddress { IPAddress(text) ?? .unspecified(.v4) }
