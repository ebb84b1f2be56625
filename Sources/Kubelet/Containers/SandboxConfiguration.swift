import API
import APIMachinery
import Host
import Runtime
import Support

/// What the sandbox of a pod is to be. Host ports are not the runtime's: the service proxy leads them to the pod.
struct SandboxConfiguration: Sendable {
    let options: KubeletOptions
    let qualityOfService: QualityOfService
    /// The node's resolver configuration.
    let resolver: ResolverConfiguration
    /// Those of the pod, where it has some of its own.
    let users: CRI.UserNamespace?

    init(_ options: KubeletOptions, _ pod: Pod, resolver: ResolverConfiguration, users: CRI.UserNamespace? = nil) {
        self.options = options
        self.resolver = resolver
        self.users = users
        qualityOfService = QualityOfService(pod)
    }

    func config(_ pod: Pod, attempt: UInt32) -> CRI.PodSandboxConfig {
        let (spec, name) = (pod.spec, pod.objectName)
        var config = CRI.PodSandboxConfig()
        config.metadata = CRI.PodSandboxMetadata(
            name: name.name, uid: pod.metadata.uid, namespace: name.namespace, attempt: attempt)
        config.labels = pod.metadata.labels.merging(PodLabels.labels(of: pod)) { $1 }
        config.annotations = pod.metadata.annotations
        config.logDirectory = options.layout.logFolder(
            namespace: name.namespace, name: name.name, uid: pod.metadata.uid)
        config.dnsConfig = ResolverConfiguration.dns(
            of: spec, namespace: name.namespace, host: resolver, clusterServers: options.clusterDNS,
            clusterDomain: options.clusterDomain)
        if !spec.hostNetwork {
            config.hostname = PodHostname(pod, clusterDomain: options.clusterDomain).inSandbox
        }
        config.linux.cgroupParent = options.cgroupParent(podUID: pod.metadata.uid, qualityOfService)
        for sysctl in spec.securityContext?.sysctls ?? [] {
            config.linux.sysctls[sysctl.name] = sysctl.valueText
        }
        config.linux.securityContext = security(spec)
        return config
    }

    private func security(_ spec: PodSpec) -> CRI.LinuxSandboxSecurityContext {
        var context = CRI.LinuxSandboxSecurityContext()
        context.namespaceOptions = spec.namespaceOptions
        context.namespaceOptions.usernsOptions = users
        // Those of people who look for a fault are among them: they come later, and the runtime asks again.
        context.privileged = PodContainers(spec).members.contains {
            $0.container.securityContext?.privileged ?? false
        }
        context.supplementalGroups = spec.supplementalGroups
        context.runAsUser = spec.securityContext?.runAsUser.map(Int64.init)
        context.runAsGroup = spec.securityContext?.runAsGroup.map(Int64.init)
        context.selinuxOptions = spec.securityContext?.seLinuxOptions.map(CRI.SELinuxOption.init)
        // The sandbox's own process needs nothing that the runtime's profile forbids.
        context.seccomp = CRI.SecurityProfile(.runtimeDefault)
        return context
    }
}

/// How a pod calls itself.
struct PodHostname: Hashable, Sendable {
    /// The name alone, at most 63 characters, as the kernel holds it.
    var name: String
    /// The domain below which the name is found in the cluster's DNS; `nil` without a subdomain.
    var domain: String?
    private var isFull: Bool

    init(_ pod: Pod, clusterDomain: String) {
        let spec = pod.spec
        isFull = spec.setHostnameAsFQDN ?? false
        if let override = spec.hostnameOverride {
            (name, domain, isFull) = (override, nil, false)
            return
        }
        name = Self.truncated(spec.hostname.isEmpty ? pod.objectName.name : spec.hostname)
        domain =
            spec.subdomain.isEmpty
            ? nil : "\(spec.subdomain).\(pod.objectName.namespace).svc.\(clusterDomain)"
    }

    /// As many bytes as the kernel keeps of a name (uname(2)).
    private static let mostBytes = 64

    /// Fails with `invalid` for a full name that the kernel does not keep.
    func check() throws(Fault) {
        let length = inSandbox.utf8.count
        guard isFull, domain != nil, length > Self.mostBytes else { return }
        throw Fault(
            .invalid,
            "failed to construct FQDN from pod hostname and cluster domain, FQDN \(inSandbox) is too long "
                + "(\(Self.mostBytes) characters is the max, \(length) characters requested)")
    }

    /// What `hostname` prints in the pod.
    var inSandbox: String {
        guard isFull, let domain else { return name }
        return "\(name).\(domain)"
    }

    private static func truncated(_ name: String) -> String {
        guard name.utf8.count > 63 else { return name }
        var short = String(decoding: name.utf8.prefix(63), as: UTF8.self)
        while let last = short.last, last == "-" || last == "." { short.removeLast() }
        return short
    }
}
