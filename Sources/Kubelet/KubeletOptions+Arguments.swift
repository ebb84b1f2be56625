import API
import APIMachinery
public import Support

extension KubeletOptions {
    /// Takes arguments of Kubernetes' kubelet, by name without dashes. Fails with `invalid` for a value that means
    /// nothing, `unsupported` for a name that is not known here; both tell the argument.
    public mutating func apply(_ arguments: [String: String]) throws(Fault) {
        for (name, value) in arguments.sorted(by: { $0.key < $1.key }) {
            let argument = Argument(name: name, value: value)
            switch name {
            case "container-log-max-size": logLimits.size = try argument.bytes()
            case "container-log-max-files": logLimits.files = try argument.number(2...10_000)
            case "image-gc-high-threshold": imageLimits.high = try argument.number(0...100)
            case "image-gc-low-threshold": imageLimits.low = try argument.number(0...100)
            case "minimum-image-ttl-duration": imageLimits.minimumAge = try argument.duration()
            case "image-maximum-gc-age":
                let age = try argument.duration()
                imageLimits.maximumAge = age == .zero ? nil : age
            case "protect-kernel-defaults": protectsKernel = try argument.flag()
            case "allowed-unsafe-sysctls":
                sysctls = try SysctlAllowance(unsafe: value.split(separator: ",").map(String.init))
            case "seccomp-default": isConfinedByDefault = try argument.flag()
            case "crash-loop-back-off-max-container-restart-period":
                let longest = try argument.duration()
                guard (.seconds(1)...RestartBackOff.most).contains(longest) else {
                    throw argument.wrong("between 1s and 300s")
                }
                longestBackOff = longest
            case "serialize-image-pulls": pullLimits.isSerial = try argument.flag()
            case "max-parallel-image-pulls": pullLimits.mostAtOnce = try argument.number(1...Int(Int32.max))
            case "registry-qps": pullLimits.perSecond = try argument.number(0...Int(Int32.max))
            case "registry-burst": pullLimits.burst = try argument.number(0...Int(Int32.max))
            case "pod-max-pids":
                let most = try argument.number(-1...Int(Int32.max))
                podProcesses = most > 0 ? most : nil
            case "pods-per-core":
                let count = try argument.number(0...10_000)
                podsPerCore = count == 0 ? nil : count
            case "system-reserved", "kube-reserved":
                guard let owner = NodeReservation.Owner(rawValue: name),
                    reservation.add(value, for: owner) != nil
                else { throw argument.wrong("a list like cpu=200m,memory=500Mi") }
            case "system-reserved-cgroup": enforcement.groups[.system] = value
            case "kube-reserved-cgroup": enforcement.groups[.kube] = value
            case "enforce-node-allocatable": try enforcement.set(value)
            case "max-pods": maxPods = try argument.number(1...100_000)
            case "cgroup-driver":
                guard let driver = CgroupDriver(rawValue: value) else { throw argument.wrong("cgroupfs or systemd") }
                cgroupDriver = driver
            case "cgroup-root": cgroupRoot = value.isEmpty ? "/" : value
            case "cgroups-per-qos": dividesCgroups = try argument.flag()
            case "cluster-dns": clusterDNS = value.split(separator: ",").map(String.init)
            case "cluster-domain": clusterDomain = value
            case "resolv-conf": resolvConf = value
            case "feature-gates":
                try FeatureGates.check(value.split(separator: ",").map { String($0.filter { !$0.isWhitespace }) })
            case "pod-manifest-path": staticPods = value.isEmpty ? nil : value
            case "eviction-max-pod-grace-period":
                evictionGracePeriod = .seconds(try argument.number(0...Int(Int32.max)))
            case "eviction-pressure-transition-period": evictionTransition = try argument.duration()
            case "image-pull-credentials-verification-policy":
                guard let policy = CredentialPolicy(rawValue: value) else {
                    throw argument.wrong("one of the policies of Kubernetes, like NeverVerifyPreloadedImages")
                }
                credentialPolicy = policy
            case "preloaded-images-verification-allowlist":
                imagesForAll = value.split(separator: ",").map(String.init)
                guard imagesForAll.allSatisfy(CredentialPolicy.isListable) else {
                    throw argument.wrong("a list of images without tags, like docker.io/library/nginx,example.com/own/*")
                }
            case "user-namespaces-ids-per-pod":
                let number = try argument.number(Int(UserRanges.unit)...Int(UInt32.max))
                guard number % Int(UserRanges.unit) == 0 else { throw argument.wrong("a multiple of \(UserRanges.unit)") }
                idsPerPod = UInt32(number)
            case "enable-debugging-handlers": handlers.hasDebugging = try argument.flag()
            case "enable-system-log-handler": handlers.showsSystemLogs = try argument.flag()
            case "enable-system-log-query": handlers.answersLogQueries = try argument.flag()
            case _ where name.hasPrefix("shutdown-grace-period"): continue
            case "image-credential-provider-config", "image-credential-provider-bin-dir": continue
            case "eviction-hard", "eviction-soft", "eviction-soft-grace-period", "eviction-minimum-reclaim": continue
            case _ where ResourcePolicies.arguments.contains(name): try resourcePolicies.apply(name, value)
            default: throw Fault(.unsupported, "--kubelet-arg \(name) is not part of this version yet")
            }
        }
        // They are what is reserved, whatever else says how much that is (Kubernetes documentation, "Explicitly Reserved
        // CPU List").
        if !resourcePolicies.reservedProcessors.isEmpty {
            reservation.reserve(processors: resourcePolicies.reservedProcessors.count)
        }
        try enforcement.check(isPossible: dividesCgroups)
        guard imageLimits.low < imageLimits.high else {
            throw Fault(.invalid, "--kubelet-arg image-gc-low-threshold must be below image-gc-high-threshold")
        }
        guard !pullLimits.isSerial || pullLimits.mostAtOnce ?? 1 <= 1 else {
            throw Fault(
                .invalid,
                "maxParallelImagePulls cannot be larger than 1 unless SerializeImagePulls (--serialize-image-pulls) "
                    + "is set to false")
        }
        guard handlers.showsSystemLogs || !handlers.answersLogQueries else {
            throw Fault(
                .invalid, "invalid configuration: enableSystemLogHandler is required for enableSystemLogQuery")
        }
        try applyShutdown(arguments)
        try applyThresholds(arguments)
        try applyCredentialProviders(arguments)
        givenArguments.merge(arguments) { $1 }
    }

    /// What holds for this node, as `/flagz` tells: the arguments of Kubernetes' kubelet that say the same, and all that
    /// were given.
    public var flags: [String: String] {
        func list(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }
        let addresses = internalAddresses.map { $0.description }
        let flags: [String: String] = [
            "cgroup-root": cgroupRoot, "cluster-dns": list(clusterDNS), "cluster-domain": clusterDomain,
            "container-log-max-files": "\(logLimits.files)", "container-log-max-size": "\(logLimits.size)",
            "enable-debugging-handlers": "\(handlers.hasDebugging)", "hostname-override": nodeName,
            "image-gc-high-threshold": "\(imageLimits.high)", "image-gc-low-threshold": "\(imageLimits.low)",
            "max-pods": "\(maxPods)", "node-ip": addresses.joined(separator: ","),
            "pod-manifest-path": staticPods ?? "", "port": "\(port)", "protect-kernel-defaults": "\(protectsKernel)",
            "resolv-conf": resolvConf, "root-dir": layout.root,
        ]
        return flags.merging(givenArguments) { $1 }
    }

    /// One without the other says nothing, as in Kubernetes.
    private mutating func applyCredentialProviders(_ arguments: [String: String]) throws(Fault) {
        guard let file = arguments["image-credential-provider-config"], !file.isEmpty,
            let folder = arguments["image-credential-provider-bin-dir"], !folder.isEmpty
        else { return }
        credentialProviders = try CredentialProviderFile.read(file, programs: folder)
    }

    /// The two ways to say it do not go together.
    private mutating func applyShutdown(_ arguments: [String: String]) throws(Fault) {
        func duration(_ name: String) throws(Fault) -> Duration {
            guard let value = arguments[name] else { return .zero }
            let argument = Argument(name: name, value: value)
            let duration = try argument.duration()
            guard duration == .zero || duration >= .seconds(1) else { throw argument.wrong("0 or at least 1s") }
            return duration
        }
        let (whole, critical) = (
            try duration("shutdown-grace-period"), try duration("shutdown-grace-period-critical-pods")
        )
        guard critical <= whole else {
            throw Fault(
                .invalid,
                "shutdownGracePeriodCriticalPods \(GoDuration.format(critical)) must be <= shutdownGracePeriod "
                    + GoDuration.format(whole))
        }
        if whole > .zero { shutdownPeriods = ShutdownPeriods(whole: whole, critical: critical) }
        guard let list = arguments["shutdown-grace-period-by-pod-priority"], !list.isEmpty else { return }
        guard whole == .zero else {
            throw Fault(
                .invalid,
                "Cannot specify both shutdownGracePeriodByPodPriority and shutdownGracePeriod at the same time")
        }
        var periods: [ShutdownPeriods.Period] = []
        for part in list.split(separator: ",") {
            let numbers = part.split(separator: ":").compactMap { Int($0) }
            guard numbers.count == 2, Int(Int32.min)...Int(Int32.max) ~= numbers[0],
                0...PodFacts.longestGrace ~= numbers[1]
            else {
                throw Fault(.invalid, "shutdownGracePeriodByPodPriority: \(part) is no priority with seconds")
            }
            periods.append(ShutdownPeriods.Period(priority: numbers[0], seconds: numbers[1]))
        }
        shutdownPeriods = ShutdownPeriods(periods)
    }

    /// Each list of thresholds replaces the one that was there.
    private mutating func applyThresholds(_ arguments: [String: String]) throws(Fault) {
        func pairs(_ name: String, _ separator: Character) throws(Fault) -> [(EvictionSignal, String)]? {
            guard let value = arguments[name] else { return nil }
            return try Argument(name: name, value: value).pairs(separator)
        }
        typealias Limit = (EvictionSignal, EvictionThreshold.Quantity)
        func quantities(_ name: String, _ separator: Character) throws(Fault) -> [Limit]? {
            guard let pairs = try pairs(name, separator) else { return nil }
            var result: [Limit] = []
            for (signal, text) in pairs {
                guard let quantity = EvictionThreshold.Quantity(text) else {
                    // As Kubernetes has it, a threshold of nothing is none.
                    if text == "0" || text == "0%" { continue }
                    throw Fault(.invalid, "--kubelet-arg \(name): \(text) is no amount")
                }
                result.append((signal, quantity))
            }
            return result
        }
        var hard = evictionThresholds.filter { $0.gracePeriod == nil }
        if let given = try quantities("eviction-hard", "<") {
            reservation.memoryKept = given.first { $0.0 == .memory }?.1
            reservation.storageKept = given.first { $0.0 == .nodeDisk }?.1
            hard = given.map { EvictionThreshold(signal: $0.0, quantity: $0.1) }
        }
        var soft = evictionThresholds.filter { $0.gracePeriod != nil }
        if let given = try quantities("eviction-soft", "<") {
            var periods: [EvictionSignal: Duration] = [:]
            for (signal, text) in try pairs("eviction-soft-grace-period", "=") ?? [] {
                periods[signal] = try Argument(name: "eviction-soft-grace-period", value: text).duration()
            }
            soft = []
            for (signal, quantity) in given {
                guard let period = periods[signal] else {
                    throw Fault(
                        .invalid, "--kubelet-arg eviction-soft: \(signal.rawValue) has no eviction-soft-grace-period")
                }
                soft.append(EvictionThreshold(signal: signal, quantity: quantity, gracePeriod: period))
            }
        }
        evictionThresholds = hard + soft
        for (signal, quantity) in try quantities("eviction-minimum-reclaim", "=") ?? [] {
            for index in evictionThresholds.indices where evictionThresholds[index].signal == signal {
                evictionThresholds[index].reclaim = quantity
            }
        }
    }
}

/// One argument, and what its value may mean.
private struct Argument {
    let name: String
    let value: String

    func number(_ range: ClosedRange<Int>) throws(Fault) -> Int {
        guard let number = Int(value), range.contains(number) else { throw wrong("a number in \(range)") }
        return number
    }

    /// One that is only named is set.
    func flag() throws(Fault) -> Bool {
        if value.isEmpty { return true }
        guard let isOn = ResourcePolicies.bool(value) else { throw wrong("true or false") }
        return isOn
    }

    /// Of at least 1 byte.
    func bytes() throws(Fault) -> Int64 {
        guard let quantity = try? Quantity(value), quantity.value > 0 else { throw wrong("an amount like 10Mi") }
        return quantity.value
    }

    func duration() throws(Fault) -> Duration {
        guard let duration = try? GoDuration.parse(value), duration >= .zero else {
            throw wrong("a duration like 2m0s")
        }
        return duration
    }

    /// `memory.available<100Mi,nodefs.available<10%`
    func pairs(_ separator: Character) throws(Fault) -> [(EvictionSignal, String)] {
        var pairs: [(EvictionSignal, String)] = []
        for part in value.split(separator: ",") {
            let words = part.split(separator: separator, maxSplits: 1)
            guard words.count == 2, let signal = EvictionSignal(rawValue: String(words[0])) else {
                throw wrong("a list like memory.available\(separator)100Mi")
            }
            pairs.append((signal, String(words[1])))
        }
        return pairs
    }

    func wrong(_ what: String) -> Fault {
        Fault(.invalid, "--kubelet-arg \(name)=\(value) is not \(what)")
    }
}
