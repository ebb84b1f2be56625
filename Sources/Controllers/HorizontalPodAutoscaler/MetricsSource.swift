public import APIMachinery
public import Support

/// Where measured values come from: the metrics APIs, whoever serves them.
///
/// Values are in thousandths of their unit. A failure's message is shown to people.
public protocol MetricsSource: Sendable {
    /// What pods use of a resource, by pod: all containers of a pod together, or one of them.
    func resource(
        _ name: String, of pods: PodSelection, container: String?
    ) async throws(Status) -> [String: PodSample]

    /// A metric of pods, by pod.
    func pods(_ metric: MetricName, of pods: PodSelection) async throws(Status) -> [String: PodSample]

    /// A metric of one object.
    func object(_ metric: MetricName, of object: MeasuredObject) async throws(Status) -> Int64

    /// All values of a metric that has to do with no object of the cluster.
    func external(_ metric: MetricName, in namespace: String) async throws(Status) -> [Int64]
}

/// A measured value of one pod.
public struct PodSample: Hashable, Sendable {
    /// Thousandths.
    public var milliValue: Int64
    /// When it was measured, and over which time before.
    public var timestamp: Timestamp
    public var window: Duration

    public init(milliValue: Int64, timestamp: Timestamp, window: Duration = .seconds(60)) {
        self.milliValue = milliValue
        self.timestamp = timestamp
        self.window = window
    }
}

/// The pods of a namespace that a selector matches.
public struct PodSelection: Hashable, Sendable {
    public var namespace: String
    /// In the syntax of the API.
    public var selector: String

    public init(namespace: String, selector: String) {
        self.namespace = namespace
        self.selector = selector
    }
}

/// A metric, and which of its series: none in particular when the selector is empty.
public struct MetricName: Hashable, Sendable {
    public var name: String
    public var selector: String

    public init(_ name: String, selector: String = "") {
        self.name = name
        self.selector = selector
    }
}

/// An object that a metric describes.
public struct MeasuredObject: Hashable, Sendable {
    public var resource: GroupVersionResource
    /// Empty for an object of the cluster as a whole.
    public var namespace: String
    public var name: String

    public init(_ resource: GroupVersionResource, namespace: String, name: String) {
        self.resource = resource
        self.namespace = namespace
        self.name = name
    }
}
