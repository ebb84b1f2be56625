/// Names that manifests of users refer to.
public enum LocalPathNames {
    /// The storage class, and the default one.
    public static let storageClass = "local-path"
    /// The provisioner that claims name in their annotations.
    public static let provisioner = "rancher.io/local-path"
}
