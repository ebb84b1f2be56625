import Host
import PKI
import Support

/// Shims that run nothing and that nobody will ever end: containerd starts one for a container and asks it for the
/// container's process a moment later. One that is killed in between forgets the shim, and only ever looks for it
/// among the containers that it has.
///
/// A container is written down before its shim is started, and forgotten after that was ended. So a shim whose
/// container nobody knows is leaked; one that is just being ended is gone a moment later.
struct LeakedShims: Sendable {
    let layout: ContainerdLayout
    /// How long a shim that is being ended may take.
    var patience = Duration.seconds(2)

    struct Shim: Hashable, Sendable {
        /// Of the container that it was started for.
        var id: String
        var process: ProcessIdentity
    }

    /// Ends those that are there, takes away what they leave on the disk, and returns the ids of their containers.
    /// Fails, having ended nothing, when containerd does not say what it has.
    func end(_ client: CRIClient) async throws -> [String] {
        // In this order: what is made meanwhile is not among the shims.
        let suspects = try await unknown(running(), client)
        guard !suspects.isEmpty else { return [] }
        try await Task.sleep(for: patience)
        let leaked = try await unknown(suspects.filter(\.process.isRunning), client)
        for shim in leaked { try shim.process.send(.kill) }
        // containerd clears up after those that it knows.
        if !leaked.isEmpty { try await Task.sleep(for: patience) }
        for shim in leaked { try clear(shim.id) }
        return leaked.map(\.id).sorted()
    }

    /// Takes away what a containerd that was killed had begun to remove: it gives folders a hidden name first, and
    /// later passes over those. Only while none of this layout runs.
    func clearHalfRemoved() throws(Fault) {
        for folder in bundles where Files.exists(folder) {
            for name in try Files.list(folder) where name.hasPrefix(".") { try remove(Path.join(folder, name)) }
        }
    }

    // MARK: Which they are

    /// The shims that were started by the containerd of this layout, which their command lines name.
    private func running() -> [Shim] {
        let processes = ((try? Files.list("/proc")) ?? []).compactMap { Int32($0) }
        return processes.compactMap { pid in
            guard let line = try? Files.readText("/proc/\(pid)/cmdline"),
                let id = Self.container(of: line.split(separator: "\0").map(String.init), socket: layout.socket),
                let process = ProcessIdentity(pid: pid)
            else { return nil }
            return Shim(id: id, process: process)
        }
    }

    /// For which container a command line starts a shim that stays; `nil` for any other program, and for the calls
    /// that start, and clear up after, one.
    static func container(of words: [String], socket: String) -> String? {
        guard let program = words.first, Path.name(of: program).hasPrefix("containerd-shim") else { return nil }
        guard words.last != "start", words.last != "delete" else { return nil }
        func value(_ name: String) -> String? {
            guard let position = words.firstIndex(of: name), position + 1 < words.count else { return nil }
            return words[position + 1]
        }
        guard value("-namespace") == containerdNamespace, value("-address") == socket else { return nil }
        // It becomes part of paths.
        return value("-id").flatMap { $0.isEmpty || $0.contains("/") || $0.hasPrefix(".") ? nil : $0 }
    }

    private func unknown(_ shims: [Shim], _ client: CRIClient) async throws -> [Shim] {
        guard !shims.isEmpty else { return [] }
        // The usual answer, in one call: each pod has the shim of its sandbox.
        let sandboxes = Set(try await client.listPodSandboxes(CRI.PodSandboxFilter()).map(\.id))
        var unknown: [Shim] = []
        for shim in shims where !sandboxes.contains(shim.id) {
            if try await !isContainer(shim.id, client) { unknown.append(shim) }
        }
        return unknown
    }

    private func isContainer(_ id: String, _ client: CRIClient) async throws(Fault) -> Bool {
        do throws(Fault) {
            let _: Single<IDRequest> = try await client.grpc.call(
                "/containerd.services.containers.v1.Containers/Get", IDRequest(id), metadata: .containerd,
                timeout: .seconds(10), "cannot look at the container \(id)")
            return true
        } catch where error.code == .notFound {
            return false
        }
    }

    // MARK: What they leave

    /// Takes away the folders of processes whose containers nobody knows, and returns the containers' ids: containerd
    /// makes the folder after the container, and removes it before. One that is killed while it fills the folder fails to
    /// clear it later, since its own notes are missing in it. Fails, having removed nothing, when containerd does not say
    /// what it has.
    func clearFolders(_ client: CRIClient) async throws -> [String] {
        // In this order: what is made meanwhile is not among the folders.
        let suspects = try await unknownFolders(among: folders(), client)
        guard !suspects.isEmpty else { return [] }
        try await Task.sleep(for: patience)
        let left = try await unknownFolders(among: suspects.intersection(folders()), client)
        for id in left { try clear(id) }
        return left.sorted()
    }

    /// The ids of the containers that have one. A hidden one is being removed.
    private func folders() -> Set<String> {
        Set(bundles.flatMap { (try? Files.list($0)) ?? [] }.filter { !$0.hasPrefix(".") })
    }

    private func unknownFolders(among ids: Set<String>, _ client: CRIClient) async throws -> Set<String> {
        let alive = Set(running().map(\.id))
        var unknown: Set<String> = []
        for id in ids.subtracting(alive) {
            if try await !isContainer(id, client) { unknown.insert(id) }
        }
        return unknown
    }

    /// The folders of the container's process, in memory and on the disk, and the socket.
    private func clear(_ id: String) throws(Fault) {
        for folder in bundles { try remove(Path.join(folder, id)) }
        try Files.remove(Self.socket(of: id, containerd: layout.socket))
    }

    /// Where it keeps a folder for each process.
    private var bundles: [String] {
        [layout.state, layout.root].map { Path.join($0, "io.containerd.runtime.v2.task/\(containerdNamespace)") }
    }

    private func remove(_ bundle: String) throws(Fault) {
        try Mounts.unmountAll(below: bundle)
        try Files.remove(bundle)
    }

    /// As containerd names the sockets of shims.
    static func socket(of id: String, containerd socket: String) -> String {
        let place = "\(socket)/\(containerdNamespace)/\(id)"
        return "/run/containerd/s/" + Hex.encode(Digest.sha256(Array(place.utf8)))
    }
}
