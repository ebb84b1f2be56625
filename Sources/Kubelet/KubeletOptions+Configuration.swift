import APIMachinery
import Host
public import Support

extension KubeletOptions {
    /// What k3s of other builds writes into the folder at each start, and what it links to: nobody's wish.
    private static let generated: Set = ["00-k3s-defaults.conf", "10-cli-config.conf", "20-cli-config-dir"]

    /// Takes what people say of the kubelet: arguments of Kubernetes' kubelet by name without dashes, the
    /// configuration file that one of them may name (`config`), and the files of a folder, k3s' own or one
    /// that an argument names (`config-dir`).
    ///
    /// An argument goes before all files. Of the files the one whose name is later goes before the others,
    /// field by field; `config` counts as `10-cli-config.conf` in `folder`, those of `config-dir` as being in
    /// its `20-cli-config-dir`, as k3s has it. Fails as ``apply(_:)`` does, and for files that cannot be
    /// read.
    public mutating func configure(_ arguments: [String: String], folder: String) throws(Fault) {
        var arguments = arguments
        var files: [(order: String, path: String)] = []
        for path in try Self.files(in: folder) {
            let order = String(path.dropFirst(folder.count + 1))
            guard !Self.generated.contains(String(order.prefix { $0 != "/" })) else { continue }
            files.append((order, path))
        }
        if let file = arguments.removeValue(forKey: "config"), !file.isEmpty {
            files.append(("10-cli-config.conf", file))
        }
        if let other = arguments.removeValue(forKey: "config-dir"), !other.isEmpty {
            guard Files.exists(other) else {
                throw Fault(.notFound, "--kubelet-arg config-dir=\(other) is not there")
            }
            for path in try Self.files(in: other) {
                files.append(("20-cli-config-dir/" + path.dropFirst(other.count + 1), path))
            }
        }
        var merged = Value.emptyObject
        for (_, path) in files.sorted(by: { $0.order < $1.order }) {
            let file = try KubeletConfigurationFile.read(try Files.read(path), path)
            do throws(PatchError) { merged = try MergePatch.apply(file, to: merged) } catch {
                throw Fault(.invalid, "the kubelet's configuration \(path) is not readable", cause: error)
            }
        }
        let written = try KubeletConfigurationFile.arguments(merged, "as a whole")
        try apply(written.merging(arguments) { $1 })
    }

    /// All files of the folder and of those in it whose names end in `.conf`.
    private static func files(in folder: String) throws(Fault) -> [String] {
        guard Files.exists(folder) else { return [] }
        var found: [String] = []
        for name in try Files.list(folder).sorted() {
            let path = Path.join(folder, name)
            if (try Files.status(of: path)).kind == .directory {
                found += try files(in: path)
            } else if name.hasSuffix(".conf") {
                found.append(path)
            }
        }
        return found
    }

    /// What holds for this node, as `/configz` tells: an object of JSON.
    public var configurationJSON: [UInt8] {
        func text(_ duration: Duration) -> Value { .string(GoDuration.format(duration)) }
        func thresholds(_ isSoft: Bool, _ amount: (EvictionThreshold) -> String?) -> Value {
            var map = Value.emptyObject
            for threshold in evictionThresholds where (threshold.gracePeriod != nil) == isSoft {
                if let text = amount(threshold) { map[threshold.signal.rawValue] = .string(text) }
            }
            return map
        }
        let policies = resourcePolicies
        var value: Value = [
            "kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "port": .integer(Int64(port)), "cgroupsPerQOS": .bool(dividesCgroups), "cgroupRoot": .string(cgroupRoot),
            "cgroupDriver": .string(cgroupDriver.rawValue),
            "clusterDomain": .string(clusterDomain), "clusterDNS": .array(clusterDNS.map { .string($0) }),
            "resolvConf": .string(resolvConf), "maxPods": .integer(Int64(maxPods)),
            "podPidsLimit": .integer(Int64(podProcesses ?? -1)),
            "containerLogMaxSize": .string("\(logLimits.size)"),
            "containerLogMaxFiles": .integer(Int64(logLimits.files)),
            "imageMinimumGCAge": text(imageLimits.minimumAge),
            "imageMaximumGCAge": text(imageLimits.maximumAge ?? .zero),
            "imageGCHighThresholdPercent": .integer(Int64(imageLimits.high)),
            "imageGCLowThresholdPercent": .integer(Int64(imageLimits.low)),
            "protectKernelDefaults": .bool(protectsKernel),
            "seccompDefault": .bool(isConfinedByDefault),
            "crashLoopBackOff": ["maxContainerRestartPeriod": text(longestBackOff)],
            "serializeImagePulls": .bool(pullLimits.isSerial),
            "registryPullQPS": .integer(Int64(pullLimits.perSecond)),
            "registryBurst": .integer(Int64(pullLimits.burst)),
            "enableDebuggingHandlers": .bool(handlers.hasDebugging),
            "enableSystemLogHandler": .bool(handlers.showsSystemLogs),
            "enableSystemLogQuery": .bool(handlers.answersLogQueries),
            "imagePullCredentialsVerificationPolicy": .string(credentialPolicy.rawValue),
            "userNamespaces": ["idsPerPod": .integer(Int64(idsPerPod))],
            "evictionHard": thresholds(false) { $0.quantity.text },
            "evictionPressureTransitionPeriod": text(evictionTransition),
            "cpuManagerPolicy": policies.hasOwnProcessors ? "static" : "none",
            "memoryManagerPolicy": policies.bindsMemory ? "Static" : "None",
            "topologyManagerPolicy": .string(policies.topology.rawValue),
            "topologyManagerScope": .string(policies.scope.rawValue),
        ]
        if !sysctls.unsafe.isEmpty { value["allowedUnsafeSysctls"] = Value(sysctls.unsafe) }
        if let staticPods { value["staticPodPath"] = .string(staticPods) }
        if let podsPerCore { value["podsPerCore"] = .integer(Int64(podsPerCore)) }
        if let most = pullLimits.mostAtOnce { value["maxParallelImagePulls"] = .integer(Int64(most)) }
        if !shutdownPeriods.periods.isEmpty {
            // As a whole and by priorities is the same, said once.
            value["shutdownGracePeriodByPodPriority"] = .array(
                shutdownPeriods.periods.map { period in
                    [
                        "priority": .integer(Int64(period.priority)),
                        "shutdownGracePeriodSeconds": .integer(Int64(period.seconds)),
                    ]
                })
        }
        if !imagesForAll.isEmpty {
            value["preloadedImagesVerificationAllowlist"] = .array(imagesForAll.map { .string($0) })
        }
        if !providerID.isEmpty { value["providerID"] = .string(providerID) }
        if evictionThresholds.contains(where: { $0.gracePeriod != nil }) {
            value["evictionSoft"] = thresholds(true) { $0.quantity.text }
            value["evictionSoftGracePeriod"] = thresholds(true) {
                $0.gracePeriod.map { GoDuration.format($0) }
            }
            value["evictionMaxPodGracePeriod"] = .integer(evictionGracePeriod.components.seconds)
        }
        if !policies.reservedProcessors.isEmpty {
            value["reservedSystemCPUs"] = .string(ProcessorList.text(policies.reservedProcessors))
        }
        let shares = enforcement.shares.map(\.rawValue).sorted()
        value["enforceNodeAllocatable"] = Value(shares.isEmpty ? ["none"] : shares)
        for (owner, field) in [(NodeReservation.Owner.system, "systemReserved"), (.kube, "kubeReserved")] {
            if let amounts = reservation.parts[owner], !amounts.isEmpty {
                let texts = amounts.map { ($0.key, Value.string($0.key == "cpu" ? "\($0.value)m" : "\($0.value)")) }
                value[field] = .object(Fields(texts))
            }
            let group = enforcement.groups[owner] ?? ""
            if !group.isEmpty { value[field + "Cgroup"] = .string(group) }
        }
        return Value.object(Fields([("kubeletconfig", value)])).json
    }
}

extension EvictionThreshold.Quantity {
    /// As it was written.
    var text: String {
        switch self {
        case .amount(_, let text), .part(_, let text): text
        }
    }
}
