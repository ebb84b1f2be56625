import API
import APIMachinery
import Host
import Runtime

/// Why a container must not run as the user that it would get (`runAsNonRoot`).
struct RootRefused: Error, Hashable, Sendable {
    var message: String
}

/// As whom and how confined a container runs: what the container says goes before what its pod says.
struct ContainerSecurity: Sendable {
    let pod: Pod
    let spec: PodSpec
    let container: Container
    /// Where seccomp profiles of the node are (`<root>/seccomp`).
    let seccompProfiles: String
    /// A container that says nothing about seccomp is confined by the runtime's profile (KEP 2413).
    var isConfinedByDefault = false
    private let own: SecurityContext
    private let shared: PodSecurityContext

    init(_ container: Container, in pod: Pod, seccompProfiles: String) {
        self.pod = pod
        spec = pod.spec
        self.container = container
        self.seccompProfiles = seccompProfiles
        own = container.securityContext ?? SecurityContext()
        shared = spec.securityContext ?? PodSecurityContext()
    }

    var isPrivileged: Bool { own.privileged ?? false }
    var runAsUser: Int? { own.runAsUser ?? shared.runAsUser }

    /// The context for the runtime. `image` tells whose user the image has.
    func context(_ image: CRI.Image, target: String?) -> CRI.LinuxContainerSecurityContext {
        var context = CRI.LinuxContainerSecurityContext()
        context.privileged = isPrivileged
        context.namespaceOptions = spec.namespaceOptions
        if let target {
            context.namespaceOptions.pid = .target
            context.namespaceOptions.targetID = target
        }
        context.runAsUser = runAsUser.map(Int64.init)
        if runAsUser == nil {
            context.runAsUser = image.uid
            context.runAsUsername = image.username
        }
        context.runAsGroup = (own.runAsGroup ?? shared.runAsGroup).map(Int64.init)
        context.supplementalGroups = spec.supplementalGroups
        context.supplementalGroupsPolicy = shared.supplementalGroupsPolicy == "Strict" ? .strict : .merge
        context.readonlyRootfs = own.readOnlyRootFilesystem ?? false
        context.noNewPrivs = own.allowPrivilegeEscalation == false
        if let capabilities = own.capabilities {
            var changes = CRI.Capability()
            changes.addCapabilities = capabilities.add
            changes.dropCapabilities = capabilities.drop
            context.capabilities = changes
        }
        context.selinuxOptions = (own.seLinuxOptions ?? shared.seLinuxOptions).map(CRI.SELinuxOption.init)
        let profile = own.seccompProfile ?? shared.seccompProfile
        context.seccomp =
            profile == nil && isConfinedByDefault
            ? CRI.SecurityProfile(.runtimeDefault)
            : CRI.SecurityProfile(seccomp: profile, folder: seccompProfiles)
        context.apparmor = (own.appArmorProfile ?? shared.appArmorProfile).map(
            CRI.SecurityProfile.init(appArmor:))
        if own.procMount != "Unmasked" {
            context.maskedPaths = Self.maskedPaths
            context.readonlyPaths = Self.readonlyPaths
        }
        return context
    }

    /// Refuses a container that must not be root and would be, or might be.
    func checkUser(_ image: CRI.Image) throws(RootRefused) {
        guard own.runAsNonRoot ?? shared.runAsNonRoot ?? false else { return }
        let subject = "(pod: \"\(pod.logName)\", container: \(container.name))"
        if let user = runAsUser {
            guard user == 0 else { return }
            throw RootRefused(message: "container's runAsUser breaks non-root policy \(subject)")
        }
        if let user = image.uid, user != 0 { return }
        if image.uid == nil, !image.username.isEmpty {
            throw RootRefused(
                message: "container has runAsNonRoot and image has non-numeric user (\(image.username)), "
                    + "cannot verify user is non-root \(subject)")
        }
        throw RootRefused(message: "container has runAsNonRoot and image will run as root \(subject)")
    }

    /// What a container must not see of the kernel, and what it may only read (`procMount: Default`).
    static let maskedPaths = [
        "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
        "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
        "/sys/devices/virtual/powercap",
    ]
    static let readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
}

extension PodSpec {
    /// Whose namespaces the pod lives in.
    var namespaceOptions: CRI.NamespaceOption {
        var options = CRI.NamespaceOption()
        options.network = hostNetwork ? .node : .pod
        options.ipc = hostIPC ? .node : .pod
        options.pid = hostPID ? .node : shareProcessNamespace == true ? .pod : .container
        return options
    }

    /// The further groups of every process of the pod, that of its volumes among them.
    var supplementalGroups: [Int64] {
        let context = securityContext
        return (context?.supplementalGroups ?? []).map(Int64.init)
            + (context?.fsGroup.map { [Int64($0)] } ?? [])
    }
}

extension CRI.SELinuxOption {
    init(_ options: SELinuxOptions) {
        self.init()
        (user, role, type, level) = (options.user, options.role, options.type, options.level)
    }
}

extension CRI.SecurityProfile {
    /// Without a profile a container is not confined by seccomp, as long as the node does not say otherwise.
    init(seccomp profile: SeccompProfile?, folder: String) {
        switch profile?.type {
        case "RuntimeDefault": self.init(.runtimeDefault)
        case "Localhost":
            self.init(.localhost, localhostRef: Path.join(folder, profile?.localhostProfile ?? ""))
        default: self.init(.unconfined)
        }
    }

    init(appArmor profile: AppArmorProfile) {
        switch profile.type {
        case "Unconfined": self.init(.unconfined)
        case "Localhost": self.init(.localhost, localhostRef: profile.localhostProfile ?? "")
        default: self.init(.runtimeDefault)
        }
    }
}
