import Controllers
import PKI
import Supervisor

/// What flags of Kubernetes' controller manager change of the controllers.
extension ControlPlane {
    var arguments: ControllerManagerArguments { configuration.controllerManager }

    /// Those that were not switched off (`--controllers`).
    func wanted(_ controllers: [any Controller]) -> [any Controller] {
        controllers.filter { controller in
            if controller is GarbageCollector, !arguments.collectsGarbage { return false }
            let names = Self.names[controller.name] ?? [controller.name]
            return names.contains { arguments.controllers.has($0) }
        }
    }

    /// Ours by Kubernetes' names for them, where they differ. One that does the work of two runs for either.
    private static let names = [
        "attachdetach-controller": ["persistentvolume-attach-detach-controller"],
        "certificate-controller": [
            "certificatesigningrequest-approving-controller", "certificatesigningrequest-signing-controller",
        ],
        "csrcleaner": ["certificatesigningrequest-cleaner-controller"],
        "endpoint-slice-controller": ["endpoints-controller", "endpointslice-controller"],
        "horizontal-pod-autoscaler": ["horizontal-pod-autoscaler-controller"],
        "job-orphan-controller": ["job-controller"],
        "node-controller": ["node-lifecycle-controller"],
        "persistentvolume-controller": ["persistentvolume-binder-controller"],
        "pod-garbage-collector": ["pod-garbage-collector-controller"],
        "pv-protection-controller": ["persistentvolume-protection-controller"],
        "pvc-protection-controller": ["persistentvolumeclaim-protection-controller"],
        "replication-controller": ["replicationcontroller-controller"],
        "resource-claim-controller": ["resourceclaim-controller"],
        "service-account-controller": ["serviceaccount-controller"],
        "volume_expand": ["persistentvolume-expander-controller"],
    ]

    /// Two of them have one name.
    func signing(_ authorities: [KubernetesSigner: CertificateAuthority]) -> [any Controller] {
        var controllers: [any Controller] = [CertificateCleaner()]
        if arguments.controllers.has("certificatesigningrequest-approving-controller") {
            controllers.append(CertificateApprover())
        }
        if arguments.controllers.has("certificatesigningrequest-signing-controller") {
            controllers.append(
                arguments.signingLifetime.map { CertificateSigner(authorities, lifetime: $0) }
                    ?? CertificateSigner(authorities))
        }
        return controllers
    }

    var unusedTokens: UnusedTokens { arguments.unusedTokenLifetime.map { UnusedTokens(after: $0) } ?? UnusedTokens() }

    var nodeOptions: NodeLifecycleOptions {
        var options = NodeLifecycleOptions()
        if let grace = arguments.nodeGrace { options.grace = grace }
        if let grace = arguments.nodeStartupGrace { options.startupGrace = grace }
        if let rate = arguments.evictionRate { options.evictionRate = rate }
        if let rate = arguments.secondaryEvictionRate { options.secondaryEvictionRate = rate }
        if let share = arguments.unhealthyShare { options.unhealthyShare = Float(share) }
        if let count = arguments.largeCount { options.largeCount = count }
        return options
    }

    var autoscalerOptions: AutoscalerOptions {
        var options = AutoscalerOptions()
        if let period = arguments.autoscalerPeriod { options.period = period }
        if let window = arguments.downscaleStabilization { options.downscaleStabilization = window }
        if let tolerance = arguments.autoscalerTolerance { options.tolerance = tolerance }
        if let span = arguments.autoscalerInitialisation { options.initialisation = span }
        if let span = arguments.autoscalerReadiness { options.initialReadiness = span }
        return options
    }
}
