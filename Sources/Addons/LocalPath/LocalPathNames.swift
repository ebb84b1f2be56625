/// Names that manifests and tools of users refer to.
public enum LocalPathNames {
    /// The storage class, and the default one.
    public static let storageClass = "local-path"
    /// The provisioner that claims name in their annotations.
    public static let provisioner = "rancher.io/local-path"
    /// As which the provisioner acts, in `kube-system`.
    public static let serviceAccount = "local-path-provisioner-service-account"
    public static let role = "local-path-provisioner-role"
    public static let roleBinding = "local-path-provisioner-bind"

    /// On a class: the kind of volume to make, `local` or `hostPath`; the latter when it says nothing.
    static let defaultVolumeType = "defaultVolumeType"
    /// On a claim: the same, for this claim.
    static let volumeType = "volumeType"
    /// On a volume: the node that has the directory.
    static let selectedNode = "local.path.provisioner/selected-node"
}
