import API
import APIMachinery
import Support

/// The strategies of the built-in kinds; every other kind is plain.
struct BuiltinStrategies: Sendable {
    var services: ServiceStrategy
    var now: @Sendable () -> Timestamp = { .now }

    func strategy(of resource: GroupVersionResource) -> any ResourceStrategy {
        switch resource {
        case .pods: PodStrategy()
        case .namespaces: NamespaceStrategy()
        case .customResourceDefinitions: DefinitionStrategy()
        case .services: services
        case .apiServices: APIServiceStrategy(now: now)
        case .certificateSigningRequests: CertificateRequestStrategy(now: now)
        case .jobs: JobStrategy()
        case .daemonSets: DaemonSetStrategy()
        case .flowSchemas, .priorityLevelConfigurations: MandatoryFlowStrategy(resource: resource)
        case .persistentVolumes: PersistentVolumeStrategy(now: now)
        case .persistentVolumeClaims: ClaimStrategy()
        case .resourceClaims: DeviceClaimStrategy()
        default: PlainStrategy()
        }
    }
}

/// Jobs know their pods by a selector that is made here, unless their authors make it.
struct JobStrategy: ResourceStrategy {
    func prepareForCreate(_ object: inout Value, _ request: WriteRequest) { JobIdentity.complete(&object) }
}
