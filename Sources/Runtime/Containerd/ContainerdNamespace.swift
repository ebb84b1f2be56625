import Wire

/// The namespace of containerd in which its CRI server keeps everything.
let containerdNamespace = "k8s.io"

extension GRPCMetadata {
    /// What containerd's own services want to know with each call.
    static let containerd: GRPCMetadata = ["containerd-namespace": containerdNamespace]
}
