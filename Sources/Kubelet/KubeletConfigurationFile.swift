import APIMachinery
import Support

/// What Kubernetes' configuration file for kubelets says (`KubeletConfiguration`,
/// kubelet.config.k8s.io/v1beta1), as the arguments that say the same.
///
/// Pure (Kubernetes documentation, "Set Kubelet Parameters Via A Configuration File").
enum KubeletConfigurationFile {
    /// How a field is written as the value of an argument.
    private enum Form {
        case text
        case number
        case flag
        /// `a,b`
        case list
        /// `a=1,b=2`, with this between name and value.
        case map(String)
        /// By nodes of memory.
        case memory
        /// As `idsPerPod` says.
        case ids
        /// As `maxContainerRestartPeriod` says.
        case restarts
        /// Seconds by the priorities of pods.
        case priorities
    }

    private static let forms: [String: (argument: String, form: Form)] = [
        "allowedUnsafeSysctls": ("allowed-unsafe-sysctls", .list),
        "cgroupDriver": ("cgroup-driver", .text),
        "cgroupRoot": ("cgroup-root", .text),
        "cgroupsPerQOS": ("cgroups-per-qos", .flag),
        "clusterDNS": ("cluster-dns", .list),
        "clusterDomain": ("cluster-domain", .text),
        "containerLogMaxFiles": ("container-log-max-files", .number),
        "containerLogMaxSize": ("container-log-max-size", .text),
        "cpuManagerPolicy": ("cpu-manager-policy", .text),
        "cpuManagerPolicyOptions": ("cpu-manager-policy-options", .map("=")),
        "cpuManagerReconcilePeriod": ("cpu-manager-reconcile-period", .text),
        "crashLoopBackOff": ("crash-loop-back-off-max-container-restart-period", .restarts),
        "enableDebuggingHandlers": ("enable-debugging-handlers", .flag),
        "enableSystemLogHandler": ("enable-system-log-handler", .flag),
        "enableSystemLogQuery": ("enable-system-log-query", .flag),
        "enforceNodeAllocatable": ("enforce-node-allocatable", .list),
        "evictionHard": ("eviction-hard", .map("<")),
        "evictionMaxPodGracePeriod": ("eviction-max-pod-grace-period", .number),
        "evictionMinimumReclaim": ("eviction-minimum-reclaim", .map("=")),
        "evictionPressureTransitionPeriod": ("eviction-pressure-transition-period", .text),
        "evictionSoft": ("eviction-soft", .map("<")),
        "evictionSoftGracePeriod": ("eviction-soft-grace-period", .map("=")),
        "featureGates": ("feature-gates", .map("=")),
        "imageGCHighThresholdPercent": ("image-gc-high-threshold", .number),
        "imageGCLowThresholdPercent": ("image-gc-low-threshold", .number),
        "imageMaximumGCAge": ("image-maximum-gc-age", .text),
        "imageMinimumGCAge": ("minimum-image-ttl-duration", .text),
        "imagePullCredentialsVerificationPolicy": ("image-pull-credentials-verification-policy", .text),
        "kubeReserved": ("kube-reserved", .map("=")),
        "kubeReservedCgroup": ("kube-reserved-cgroup", .text),
        "maxParallelImagePulls": ("max-parallel-image-pulls", .number),
        "maxPods": ("max-pods", .number),
        "memoryManagerPolicy": ("memory-manager-policy", .text),
        "podPidsLimit": ("pod-max-pids", .number),
        "podsPerCore": ("pods-per-core", .number),
        "preloadedImagesVerificationAllowlist": ("preloaded-images-verification-allowlist", .list),
        "protectKernelDefaults": ("protect-kernel-defaults", .flag),
        "registryBurst": ("registry-burst", .number),
        "registryPullQPS": ("registry-qps", .number),
        "reservedMemory": ("reserved-memory", .memory),
        "reservedSystemCPUs": ("reserved-cpus", .text),
        "resolvConf": ("resolv-conf", .text),
        "seccompDefault": ("seccomp-default", .flag),
        "serializeImagePulls": ("serialize-image-pulls", .flag),
        "shutdownGracePeriod": ("shutdown-grace-period", .text),
        "shutdownGracePeriodByPodPriority": ("shutdown-grace-period-by-pod-priority", .priorities),
        "shutdownGracePeriodCriticalPods": ("shutdown-grace-period-critical-pods", .text),
        "staticPodPath": ("pod-manifest-path", .text),
        "systemReserved": ("system-reserved", .map("=")),
        "systemReservedCgroup": ("system-reserved-cgroup", .text),
        "topologyManagerPolicy": ("topology-manager-policy", .text),
        "topologyManagerPolicyOptions": ("topology-manager-policy-options", .map("=")),
        "topologyManagerScope": ("topology-manager-scope", .text),
        "userNamespaces": ("user-namespaces-ids-per-pod", .ids),
    ]

    /// Fields that may say only what is so anyhow.
    private static let settled: [String: Value] = [
        "authentication": ["anonymous": ["enabled": false], "webhook": ["enabled": true]],
        "authorization": ["mode": "Webhook"], "cgroupsPerQOS": true, "cpuCFSQuota": true,
        "enableControllerAttachDetach": true, "enableServer": true, "failSwapOn": false,
        "localStorageCapacityIsolation": true, "readOnlyPort": 0, "registerNode": true,
    ]

    /// Whether a field says nothing else than what holds; of an object it may leave out what it likes.
    private static func isSettled(_ given: Value, _ only: Value) -> Bool {
        guard let fields = given.fields, only.fields != nil else { return given == only || given.isNull }
        return fields.allSatisfy { key, value in only[key].map { isSettled(value, $0) } ?? false }
    }

    /// Reads a file, and sees that this node has all that it says. `source` names it in faults, whose code is
    /// `invalid` for what is no such file and `unsupported` for a field that this node does not have.
    static func read(_ bytes: [UInt8], _ source: String) throws(Fault) -> Value {
        func wrong(_ why: String) -> Fault { Fault(.invalid, "the kubelet's configuration \(source) \(why)") }
        let documents: [Value]
        do throws(YAMLError) { documents = try YAML.documents(bytes) } catch {
            throw wrong("is not readable: \(error)")
        }
        guard documents.count == 1, let value = documents.first, value.fields != nil else {
            throw wrong("is not one document")
        }
        guard value["kind"]?.string == "KubeletConfiguration",
            value["apiVersion"]?.string == "kubelet.config.k8s.io/v1beta1"
        else { throw wrong("is not a KubeletConfiguration of kubelet.config.k8s.io/v1beta1") }
        _ = try arguments(value, source)
        return value
    }

    /// By name without dashes.
    static func arguments(_ value: Value, _ source: String) throws(Fault) -> [String: String] {
        var arguments: [String: String] = [:]
        for (field, content) in value.fields ?? Fields() where field != "kind" && field != "apiVersion" {
            if let only = settled[field], isSettled(content, only) { continue }
            guard let (argument, form) = forms[field] else {
                throw Fault(
                    .unsupported,
                    "the kubelet's configuration \(source): the field \(field) is not part of this version yet",
                    remedy: "remove the field, or look whether k3s has a flag of its own for it")
            }
            guard !content.isNull else { continue }
            guard let text = text(content, form) else {
                throw Fault(
                    .invalid, "the kubelet's configuration \(source): the field \(field) has the wrong type")
            }
            arguments[argument] = text
        }
        return arguments
    }

    private static func text(_ value: Value, _ form: Form) -> String? {
        switch form {
        case .text: return value.string
        case .number: return value.integer.map { "\($0)" }
        case .flag: return value.bool.map { "\($0)" }
        case .list:
            guard let items = value.array, case let texts = items.compactMap(\.string),
                texts.count == items.count
            else { return nil }
            return texts.joined(separator: ",")
        case .map(let separator): return map(value, separator)
        case .memory:
            guard let nodes = value.array else { return nil }
            var parts: [String] = []
            for node in nodes {
                guard let number = node["numaNode"]?.integer,
                    let limits = node["limits"].flatMap({ map($0, "=") })
                else { return nil }
                parts.append("\(number):\(limits)")
            }
            return parts.joined(separator: ";")
        case .ids:
            // Without the field it says nothing.
            guard let fields = value.fields, fields.keys.allSatisfy({ $0 == "idsPerPod" }) else { return nil }
            return value["idsPerPod"].map { $0.integer.map { "\($0)" } } ?? "\(UserRanges.unit)"
        case .restarts:
            guard let fields = value.fields, fields.keys.allSatisfy({ $0 == "maxContainerRestartPeriod" }) else { return nil }
            return value["maxContainerRestartPeriod"].map(\.string) ?? GoDuration.format(RestartBackOff.most)
        case .priorities:
            guard let periods = value.array else { return nil }
            var parts: [String] = []
            for period in periods {
                guard let priority = period["priority"]?.integer,
                    let seconds = period["shutdownGracePeriodSeconds"]?.integer
                else { return nil }
                parts.append("\(priority):\(seconds)")
            }
            return parts.joined(separator: ",")
        }
    }

    /// Amounts may be written as numbers, and gates are true or false.
    private static func map(_ value: Value, _ separator: String) -> String? {
        guard let fields = value.fields else { return nil }
        var parts: [String] = []
        for (key, content) in fields {
            guard let text = content.string ?? content.integer.map({ "\($0)" }) ?? content.bool.map({ "\($0)" }) else { return nil }
            parts.append(key + separator + text)
        }
        return parts.joined(separator: ",")
    }
}
