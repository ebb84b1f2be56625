import APIMachinery
public import Support

/// What a `KubeSchedulerConfiguration` (`kubescheduler.config.k8s.io/v1`) says, as far as it concerns where pods go.
///
/// What concerns how the process runs (leader election, its connection, debugging) is read and has no effect: the
/// scheduler is a part of the server.
public struct SchedulerConfiguration: Sendable {
    var profiles = [Profile()]
    var limits = SchedulingQueue.Limits()
    var extenders: [ExtenderConfiguration] = []

    public init() {}

    /// Reads the file's text. A field, a plugin or a value that this version does not know is a fault that names it: it
    /// would otherwise be believed to hold.
    public init(text: String) throws(Fault) {
        let value: Value
        do throws(YAMLError) {
            value = try YAML.document(text)
        } catch {
            throw ConfigurationReader.fault("it is not YAML: \(error)")
        }
        guard value["kind"] == "KubeSchedulerConfiguration",
            value["apiVersion"] == "kubescheduler.config.k8s.io/v1"
        else {
            throw ConfigurationReader.fault(
                "it must be of kind KubeSchedulerConfiguration and of apiVersion kubescheduler.config.k8s.io/v1")
        }
        let reader = try ConfigurationReader(value, "", Self.fields)
        limits.firstBackOff = .seconds(try reader.number("podInitialBackoffSeconds", 1...Self.most) ?? 1)
        limits.mostBackOff = .seconds(try reader.number("podMaxBackoffSeconds", 1...Self.most) ?? 10)
        guard limits.firstBackOff <= limits.mostBackOff else {
            throw ConfigurationReader.fault(
                "podMaxBackoffSeconds must be greater than or equal to podInitialBackoffSeconds")
        }
        let percentage = try reader.number("percentageOfNodesToScore", 0...100) ?? 0
        profiles = []
        for profile in try reader.items("profiles") {
            profiles.append(try ProfileReader(profile, percentage).profile)
        }
        if profiles.isEmpty {
            var profile = Profile()
            profile.percentageOfNodesToScore = percentage
            profiles = [profile]
        }
        let names = profiles.map(\.schedulerName)
        guard Set(names).count == names.count else {
            throw ConfigurationReader.fault("profiles: two have the same schedulerName")
        }
        for extender in try reader.items("extenders") { extenders.append(try ExtenderConfiguration(extender)) }
        for extender in extenders {
            for index in profiles.indices { profiles[index].fit.ignoredResources.formUnion(extender.ignored) }
        }
    }

    private static let most = 1_000_000

    private static let fields: Set<String> = [
        "apiVersion", "kind", "parallelism", "leaderElection", "clientConnection", "enableProfiling",
        "enableContentionProfiling", "percentageOfNodesToScore", "podInitialBackoffSeconds", "podMaxBackoffSeconds",
        "profiles", "extenders", "delayCacheUntilActive",
    ]
}
