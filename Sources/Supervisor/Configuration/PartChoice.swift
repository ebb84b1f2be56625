import Support

/// Which parts of a server run: k3s' options `--disable-*` for those that are not add-ons.
public struct PartChoice: Hashable, Sendable {
    /// Without `--disable-scheduler`.
    public var hasScheduler: Bool
    /// Without `--disable-kube-proxy`: somebody else leads to services then.
    public var hasServiceProxy: Bool
    /// Without `--disable-cloud-controller`: somebody else says then where nodes are from.
    public var hasCloudController: Bool

    init(_ values: OptionValues) {
        hasScheduler = !values.flag("disable-scheduler")
        hasServiceProxy = !values.flag("disable-kube-proxy")
        hasCloudController = !values.flag("disable-cloud-controller")
    }

    static let options = [
        ("disable-scheduler", "the scheduler"), ("disable-kube-proxy", "the service proxy"),
        ("disable-cloud-controller", "the controllers of the cloud"),
    ].map { Option($0.0, .flag, help: "(components) Do without \($0.1)", standard: "false") }
}
