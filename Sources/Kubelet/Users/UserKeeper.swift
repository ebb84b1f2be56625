import API
import APIMachinery
import Host
import Logging
import Runtime
import Support
import Synchronization

/// Gives pods that ask for it (`hostUsers: false`) users of their own: ids of the machine that nobody else has, which the
/// pod's users are outside of it (KEP 127).
///
/// What a pod has is written into its folder (`userns`, as Kubernetes does), and goes with that.
final class UserKeeper: Sendable {
    static let file = "userns"

    private let layout: KubeletLayout
    /// A fault tells why no pod can have any.
    private let ranges: Mutex<Result<UserRanges, Fault>>

    /// Recalls what pods have.
    init(_ options: KubeletOptions, log: Logger) {
        layout = options.layout
        let made = Result { () throws(Fault) in try Self.make(options) }
        ranges = Mutex(made)
        if case .failure(let fault) = made { log.warning("pods cannot have users of their own: \(fault)") }
        for uid in (try? Files.list(layout.pods)) ?? [] {
            do throws(Fault) { try recall(uid) } catch {
                log.warning("the users of pod \(uid) are not known: \(error)")
            }
        }
    }

    private static func make(_ options: KubeletOptions) throws(Fault) -> UserRanges {
        func text(_ name: String) throws(Fault) -> String {
            let path = Path.join(options.accounts, name)
            return Files.exists(path) ? try Files.readText(path) : ""
        }
        let range = try SubordinateIDs.range(
            passwd: try text("passwd"), subuid: try text("subuid"), subgid: try text("subgid"))
        return try UserRanges(range, perPod: options.idsPerPod, pods: options.maxPods)
    }

    /// The pod's users, given to it if need be; `nil` for one that has the machine's. `handler` is how the runtime is to
    /// run it. Fails in the words of Kubernetes.
    func users(of pod: Pod, handler: String, _ runtime: any RuntimeService) async throws(Fault) -> CRI.UserNamespace? {
        guard pod.spec.hostUsers == false else { return nil }
        try await check(handler, runtime)
        let uid = pod.metadata.uid
        let isNew = present(uid) == nil
        let range = try change { ranges throws(Fault) in try ranges.give(uid) }
        guard isNew else { return CRI.UserNamespace(range) }
        do throws(Fault) {
            // Before anything is made with them.
            try Files.makeDirectory(layout.pod(uid), mode: 0o750)
            try Files.write(Self.json(range), to: path(uid), mode: 0o600)
        } catch {
            release(uid)
            throw error
        }
        return CRI.UserNamespace(range)
    }

    /// What a pod was given; `nil` for the machine's.
    func present(_ uid: String) -> CRI.UserNamespace? {
        ranges.withLock { ranges in
            guard case .success(let ranges) = ranges else { return nil }
            return ranges.range(of: uid).map(CRI.UserNamespace.init)
        }
    }

    /// The pod's folder is gone.
    func release(_ uid: String) {
        _ = try? change { ranges throws(Fault) in ranges.release(uid) }
    }

    private func change<Value: Sendable>(_ body: (inout UserRanges) throws(Fault) -> Value) throws(Fault) -> Value {
        let result: Result<Value, Fault> = ranges.withLock { present in
            switch present {
            case .failure(let fault): return .failure(fault)
            case .success(var ranges):
                defer { present = .success(ranges) }
                do throws(Fault) { return .success(try body(&ranges)) } catch { return .failure(error) }
            }
        }
        return try result.get()
    }

    private func check(_ handler: String, _ runtime: any RuntimeService) async throws(Fault) {
        let subject = handler.isEmpty ? "runtime does" : "RuntimeClass handler \(QuotedText.quoted(handler)) does"
        let words = "can't set `spec.hostUsers: false`, \(subject) not support user namespaces"
        guard let known = try await runtime.status().runtimeHandlers.first(where: { $0.name == handler }) else {
            throw Fault(.unsupported, "\(words): the handler \(QuotedText.quoted(handler)) is not known")
        }
        guard known.features.userNamespaces else { throw Fault(.unsupported, words) }
    }

    // MARK: On the disk

    private func path(_ uid: String) -> String { Path.join(layout.pod(uid), Self.file) }

    private func recall(_ uid: String) throws(Fault) {
        guard Files.exists(path(uid)) else { return }
        guard let range = Self.range(try Files.read(path(uid))) else {
            throw Fault(.corrupt, "invalid user namespace mappings file")
        }
        try change { ranges throws(Fault) in try ranges.note(uid, range) }
    }

    static func json(_ range: UserRanges.Range) -> [UInt8] {
        let mapping: Value = [
            "hostId": .integer(Int64(range.first)), "containerId": 0, "length": .integer(Int64(range.length)),
        ]
        return (["uidMappings": [mapping], "gidMappings": [mapping]] as Value).json
    }

    /// `nil` for what no kubelet writes.
    static func range(_ json: [UInt8]) -> UserRanges.Range? {
        guard let value = try? Value(json: json), let users = value["uidMappings"]?.array, users.count == 1,
            value["gidMappings"]?.array == users, users[0]["containerId"]?.integer == 0,
            let first = users[0]["hostId"]?.integer.flatMap({ UInt32(exactly: $0) }),
            let length = users[0]["length"]?.integer.flatMap({ UInt32(exactly: $0) })
        else { return nil }
        return UserRanges.Range(first: first, length: length)
    }
}

extension CRI.UserNamespace {
    /// Root of the pod is the first of the run, for users and groups alike.
    init(_ range: UserRanges.Range) {
        self.init()
        mode = .pod
        var mapping = CRI.IDMapping()
        (mapping.hostID, mapping.length) = (range.first, range.length)
        (uids, gids) = ([mapping], [mapping])
    }
}
