import API
import APIMachinery
import Runtime
import Support

/// What a container of a pod is to be, once everything around it is ready.
struct ContainerConfiguration: Sendable {
    /// What is found out before the container can be made.
    struct Surroundings: Sendable {
        var image: CRI.Image
        var environment: [(name: String, value: String)]
        var mounts: [CRI.Mount]
        var devices: [CRI.Device] = []
        /// What device plug-ins bring into it.
        var plugged = ContainerDevices()
        /// The processors and the nodes of memory that it uses, as lists; empty for all.
        var processors = ""
        var memoryNodes = ""
        /// No quota holds a container back that has processors of its own.
        var hasOwnProcessors = false
        /// Those of the pod, where it has some of its own.
        var users: CRI.UserNamespace?
        /// In bytes.
        var memoryCapacity: Int64
        var isUnified: Bool
        /// The container whose processes an ephemeral one sees.
        var target: String?
    }

    let pod: Pod
    let container: Container
    let attempt: UInt32
    let seccompProfiles: String
    /// As ``ContainerSecurity/isConfinedByDefault``.
    var isConfinedByDefault = false

    /// Fails with `invalid` when the command is too long for a program.
    func config(_ around: Surroundings) throws(Fault) -> CRI.ContainerConfig {
        var config = CRI.ContainerConfig()
        config.metadata = CRI.ContainerMetadata(name: container.name, attempt: attempt)
        // Its id, whatever its names mean by now.
        config.image = CRI.ImageSpec(around.image.id)
        config.image.userSpecifiedImage = container.image
        let variables = Dictionary(around.environment.map { ($0.name, $0.value) }) { $1 }
        config.command = try ContainerEnvironment.expand(container.command, variables)
        config.args = try ContainerEnvironment.expand(container.args, variables)
        config.workingDir = container.workingDir
        // What the pod says of a variable goes before what a device says.
        config.envs = (around.plugged.environment + around.environment).map { CRI.KeyValue($0.name, $0.value) }
        config.mounts = around.plugged.mounts + around.mounts
        if let users = around.users {
            // Files belong, seen from the pod, to whom they belong seen from the machine.
            for index in config.mounts.indices {
                (config.mounts[index].uidMappings, config.mounts[index].gidMappings) = (users.uids, users.gids)
            }
        }
        config.devices = around.plugged.devices + around.devices
        config.cdiDevices = around.plugged.cdiDevices
        config.labels = PodLabels.labels(of: pod)
        config.labels[PodLabels.containerName] = container.name
        config.annotations = around.plugged.annotations.merging(annotations) { $1 }
        config.logPath = "\(container.name)/\(attempt).log"
        config.stdin = container.stdin
        config.stdinOnce = container.stdinOnce
        config.tty = container.tty
        config.linux.resources = resources(around)
        var security = ContainerSecurity(container, in: pod, seccompProfiles: seccompProfiles)
        security.isConfinedByDefault = isConfinedByDefault
        config.linux.securityContext = security.context(around.image, target: around.target)
        config.linux.securityContext.namespaceOptions.usernsOptions = around.users
        let signal = container.lifecycle?.stopSignal.flatMap { CRI.StopSignal(name: $0) }
        config.stopSignal = signal ?? .runtimeDefault
        return config
    }

    private var annotations: [String: String] {
        var annotations = [
            PodLabels.fingerprint: ContainerFingerprint.of(container),
            PodLabels.restartCount: "\(attempt)",
            PodLabels.terminationPath: container.terminationMessagePath,
            PodLabels.terminationPolicy: container.terminationMessagePolicy,
        ]
        if let seconds = pod.spec.terminationGracePeriodSeconds {
            annotations[PodLabels.gracePeriod] = "\(seconds)"
        }
        if let ports = container.value["ports"] { annotations[PodLabels.containerPorts] = ports.description }
        if !container.resources.value.isEmptyObject {
            annotations[PodLabels.resources] = container.resources.value.description
        }
        if let own = pod.spec.resources, !own.value.isEmptyObject {
            annotations[PodLabels.podResources] = own.value.description
        }
        return annotations
    }

    /// By the size of a page as the kernel's control groups name it: `2MB`. Who asks for none is left to the runtime, which
    /// may have no controller for them.
    private var hugePages: [CRI.HugepageLimit] {
        container.resources.limits.keys.sorted().compactMap { name in
            guard name.hasPrefix("hugepages-"), let size = try? Quantity(String(name.dropFirst("hugepages-".count))),
                let limit = container.resources.amount(name, of: \.limits), limit >= 0
            else { return nil }
            var pages = CRI.HugepageLimit()
            pages.limit = UInt64(limit)
            pages.pageSize =
                size.value >= 1 << 30
                ? "\(size.value >> 30)GB" : size.value >= 1 << 20 ? "\(size.value >> 20)MB" : "\(size.value >> 10)KB"
            return pages
        }
    }

    private func resources(_ around: Surroundings) -> CRI.LinuxContainerResources {
        let values = CgroupValues(container.resources, within: pod.spec.resources)
        var resources = CRI.LinuxContainerResources()
        resources.cpuShares = values.cpuShares
        resources.cpuPeriod = values.cpuPeriod
        resources.cpuQuota = around.hasOwnProcessors ? 0 : values.cpuQuota ?? 0
        (resources.cpusetCPUs, resources.cpusetMems) = (around.processors, around.memoryNodes)
        resources.memoryLimitInBytes = values.memoryLimit ?? 0
        // One process that takes too much memory ends the whole container, as in Kubernetes on cgroup v2.
        if around.isUnified { resources.unified["memory.oom.group"] = "1" }
        resources.hugepageLimits = hugePages
        resources.oomScoreAdj = Int64(
            QualityOfService(pod).oomScoreAdjustment(
                memoryRequest: MemoryShare.request(of: container, in: pod), memoryCapacity: around.memoryCapacity))
        return resources
    }
}
