/// Where the volumes of a pod are on this node.
public struct MountedVolumes: Hashable, Sendable {
    struct Place: Hashable, Sendable {
        var path: String
        /// Whatever a container asks for, it must not write.
        var isReadOnly = false
        /// An image, which is mounted when a container begins: there is no path yet (KEP 4639).
        var isImage = false
        /// Its files are the node's own, so that the runtime may give them the label of the container, where the
        /// kernel has SELinux.
        var isRelabelled = false
        /// A block device, which containers have as one.
        var isDevice = false
    }

    let podUID: String
    var places: [String: Place] = [:]

    /// The path of a volume on the node; `nil` for a name that no container of the pod mounts.
    public func path(of volume: String) -> String? { places[volume]?.path }
}
