/// Names of resources, as quotas and pods use them.
public enum QuotaNames {
    /// Whether a name is that of a device or the like, which nodes have whole numbers of: one with a domain that is not
    /// Kubernetes' own.
    public static func isExtended(_ name: String) -> Bool {
        guard name.contains("/"), !name.hasPrefix("requests."), !name.hasPrefix("limits.") else { return false }
        return !(name.split(separator: "/").first ?? "").hasSuffix("kubernetes.io")
    }
}
