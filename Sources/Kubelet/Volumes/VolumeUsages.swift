public import APIMachinery
public import Runtime

/// How full one volume of a pod is, as `/stats/summary` tells it.
public struct VolumeUsage: Sendable {
    /// The pod's name for it.
    public var name: String
    /// The claim that it is bound to.
    public var claim: ObjectName?
    public var usage: [CSI.VolumeUsage]
    public var condition: CSI.VolumeCondition?
}

/// Who knows how full volumes are.
public protocol VolumeUsages: Sendable {
    /// Of all pods, by uid. Asks drivers; one that does not answer at once is left out.
    func volumeUsages() async -> [String: [VolumeUsage]]
}
