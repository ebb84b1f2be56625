import Glibc
public import Support

/// One control group: the same path in every tree of the hierarchy, such as `/kubepods/burstable/pod1234`.
public struct Cgroup: Hashable, Sendable {
    public let hierarchy: CgroupHierarchy
    /// From the root of the trees; `/` is the root group.
    public let path: String

    public init(_ path: String, in hierarchy: CgroupHierarchy) {
        self.hierarchy = hierarchy
        self.path = Path.join("/", path)
    }

    /// The group below this one that has this name (or path).
    public func child(_ name: String) -> Cgroup { Cgroup(Path.join(path, name), in: hierarchy) }

    /// The directory of the group in one controller's tree, or `nil` where the machine lacks the controller.
    public func directory(of controller: CgroupHierarchy.Controller) -> String? {
        hierarchy.roots[controller].map { path == "/" ? $0 : Path.join($0, path) }
    }

    var directories: [String] { hierarchy.trees.map { path == "/" ? $0 : Path.join($0, path) } }

    /// Where the group may be without our having made it.
    private var otherDirectories: [String] {
        hierarchy.otherRoots.map { path == "/" ? $0 : Path.join($0, path) }
    }

    /// Whether the group is there, in every tree.
    public var exists: Bool { directories.allSatisfy(Files.exists) }

    /// Makes the group and those above it; one that is there stays as it is.
    ///
    /// In v2 the controllers are switched on all the way down. In the `cpuset` tree of v1 a new group may use
    /// nothing, and no process can enter it, until it is given processors and memory nodes: it gets those of
    /// its parent.
    public func create() throws(Fault) {
        var prefix = ""
        for name in path.split(separator: "/") {
            let parent = Cgroup(prefix, in: hierarchy)
            prefix += "/\(name)"
            let group = Cgroup(prefix, in: hierarchy)
            if let unified = hierarchy.unifiedRoot { parent.delegate(in: unified) }
            for directory in group.directories where !Files.exists(directory) {
                try Files.makeDirectory(directory)
            }
            if hierarchy.roots[.cpuset] != hierarchy.unifiedRoot, let directory = group.directory(of: .cpuset)
            {
                try inheritProcessors(directory)
            }
        }
    }

    /// Switches each controller on for the groups below this one. One that refuses (realtime processes, a
    /// busy root of a container) leaves the others on; a limit that then cannot be set says so itself.
    private func delegate(in unified: String) {
        let directory = path == "/" ? unified : Path.join(unified, path)
        for (controller, root) in hierarchy.roots where root == unified && controller != .cpuacct {
            try? Files.writeInPlace(
                "+\(controller.rawValue)", to: Path.join(directory, "cgroup.subtree_control"))
        }
    }

    private func inheritProcessors(_ directory: String) throws(Fault) {
        for name in ["cpuset.cpus", "cpuset.mems"] {
            let file = Path.join(directory, name)
            guard try trimmed(file).isEmpty else { continue }
            try Files.writeInPlace(trimmed(Path.join(Path.parent(of: directory), name)), to: file)
        }
    }

    /// Removes the group and those below it. Fails (conflict) while a process is in one of them; see
    /// ``killAll()``. A group that is not there is no fault.
    public func remove() throws(Fault) {
        precondition(path != "/", "the root group is not ours to remove")
        for directory in directories + otherDirectories where Files.exists(directory) {
            try removeTree(directory)
        }
    }

    private func removeTree(_ directory: String) throws(Fault) {
        for child in try subdirectories(directory) { try removeTree(child) }
        do throws(Errno) {
            try system { rmdir(directory) }
        } catch Errno(ENOENT) {
            return
        } catch {
            throw Fault(error, "cannot remove the control group \(directory)")
        }
    }

    /// The names of the groups directly below.
    public func children() throws(Fault) -> [String] {
        var names: Set<String> = []
        for directory in directories where Files.exists(directory) {
            names.formUnion(try subdirectories(directory).map(Path.name(of:)))
        }
        return names.sorted()
    }

    /// The processes in this group and, if asked, in those below it. In v1, those that are in any of its
    /// trees.
    public func processes(recursive: Bool = false) throws(Fault) -> Set<Int32> {
        var found: Set<Int32> = []
        for directory in directories where Files.exists(directory) {
            try collectProcesses(directory, recursive: recursive, into: &found)
        }
        return found
    }

    private func collectProcesses(_ directory: String, recursive: Bool, into found: inout Set<Int32>)
        throws(Fault)
    {
        do throws(Fault) {
            let text = try Files.readText(Path.join(directory, "cgroup.procs"))
            found.formUnion(text.split(separator: "\n").compactMap { Int32($0) })
            guard recursive else { return }
            for child in try subdirectories(directory) {
                try collectProcesses(child, recursive: true, into: &found)
            }
        } catch {
            // A group may go while it is looked at, and then it has no processes.
            guard error.errno == Errno(ENOENT) || error.errno == Errno(ENODEV) else { throw error }
        }
    }

    /// Moves a process, with all its threads, into this group.
    public func add(process pid: Int32) throws(Fault) {
        for directory in directories {
            try Files.writeInPlace("\(pid)", to: Path.join(directory, "cgroup.procs"))
        }
    }

    /// Ends every process in this group and below, and suspends until they are gone.
    ///
    /// A group whose processes start new ones faster than they are found is given up after some rounds.
    public func killAll() async throws(Fault) {
        for _ in 0..<16 {
            let identities = try processes(recursive: true).compactMap { ProcessIdentity(pid: $0) }.filter(
                \.isRunning)
            if identities.isEmpty { return }
            for identity in identities { try identity.send(.kill) }
            for identity in identities where try await !identity.waitForEnd() {
                throw Fault(
                    .unavailable, "ending the processes of \(path) was cancelled", cause: CancellationError())
            }
        }
        throw Fault(.timedOut, "the processes of the control group \(path) do not end")
    }

    func trimmed(_ file: String) throws(Fault) -> String {
        let text = try Files.readText(file)
        return String(text.prefix { $0 != "\n" })
    }

    private func subdirectories(_ directory: String) throws(Fault) -> [String] {
        try trying("cannot list \(directory)") { () throws(Errno) in
            try Directory(Descriptor.open(directory, O_RDONLY | O_DIRECTORY)).entries()
                .filter { $0.type == UInt8(DT_DIR) }.map { Path.join(directory, $0.name) }
        }
    }
}
