/// What shall be written, decided and to be carried out beside the next decisions.
enum Job: Sendable {
    /// The pod goes to the node, and its claims get these devices; its volumes are ready.
    case bind(PodFacts, node: String, [DeviceGrant], SchedulerFigures.Journey)
    /// Its claims get these devices, and the pod goes to the node when they are ready.
    case prepare(PodFacts, node: String, [DeviceGrant])
    /// Devices that are of no use to the pod are given up.
    case release(PodFacts, PodDevices.Release)
    /// The pod goes to the node when these claims have been served there.
    case serve(PodFacts, [(claim: String, choice: VolumeFacts.Choice)], node: String)
    /// The pod stays where it is: why, and where room is made for it.
    case tell(PodFacts, Verdict)
    /// Room is made: the victims go, and the pod is told.
    case preempt(PodFacts, victims: [PodFacts], node: String, Verdict)
    /// Pods whose room somebody more important takes look for another.
    case forgetNominations([PodFacts])

    struct Verdict: Hashable, Sendable {
        enum Reason: String, Sendable {
            case unschedulable = "Unschedulable"
            case gated = "SchedulingGated"
            case error = "SchedulerError"
        }

        var reason: Reason
        var message: String
        /// What `status.nominatedNodeName` shall be; `nil` to leave it.
        var nomination: String?
    }
}
