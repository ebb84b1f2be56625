import Host
public import Support

/// The directories of this node's volumes, below one root.
public struct HostVolumeDirectories: LocalVolumeDirectories {
    private let root: String
    private let node: String

    /// - Parameters:
    ///   - root: An absolute path. It is made when the first volume is, for root alone to enter.
    ///   - node: The name of the node that this process runs on.
    public init(root: String, node: String) {
        self.root = root
        self.node = node
    }

    public func make(_ name: String, on node: String) async throws(Fault) -> String {
        try checkNode(node)
        guard Self.isComponent(name) else {
            throw Fault(.invalid, "\(name) cannot be the name of a directory")
        }
        let path = Path.join(root, name)
        // Whoever may enter the root may write to every volume.
        try Files.makeDirectory(root, mode: 0o700)
        try Files.setMode(0o700, of: root)
        try Files.makeDirectory(path, mode: 0o777)
        return path
    }

    public func remove(_ path: String, on node: String) async throws(Fault) {
        try checkNode(node)
        let name = Path.name(of: path)
        guard Self.isComponent(name), path == Path.join(root, name) else {
            throw Fault(
                .denied, "\(path) is not a directory of \(root), and is not removed",
                remedy: "remove it by hand if it is not needed, then delete the volume")
        }
        // A big tree takes a while, and must not keep one of the few threads that everything else runs on.
        try await BlockingWork.run { () throws(Fault) in try Files.remove(path) }
    }

    private func checkNode(_ asked: String) throws(Fault) {
        guard asked != node else { return }
        throw Fault(
            .unsupported, "node \(asked) cannot be reached from node \(node): this version has one node only")
    }

    private static func isComponent(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && !name.utf8.contains(UInt8(ascii: "/"))
    }
}
