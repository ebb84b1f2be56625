public import API
import Host
public import Support

/// What a kubelet is told about its node when it starts.
public struct KubeletOptions: Sendable {
    /// The name of the Node object, and the host's as that object tells it: k3s overrides the one with the
    /// other.
    public var nodeName: String
    /// Addresses under which pods and other nodes reach this one; the first is the node's own in
    /// `status.hostIP`.
    public var internalAddresses: [Support.IPAddress]
    /// Addresses under which the world outside reaches it.
    public var externalAddresses: [Support.IPAddress] = []
    /// Set on the Node object beside those that every node has; kept true at every registration.
    public var labels: [String: String] = [:]
    /// Set on the Node object, kept true at every registration.
    public var annotations: [String: String] = [:]
    /// Set when the Node object is created, and never afterwards: people change taints.
    public var taints: [Taint] = []
    /// What the node reports as its version: `v1.36.3+k3s1`.
    public var version: String
    public var layout: KubeletLayout
    /// Name servers of pods with the policy `ClusterFirst`.
    public var clusterDNS: [String] = []
    /// The domain of the cluster's names: `cluster.local`.
    public var clusterDomain = "cluster.local"
    /// The host's resolver configuration, for pods that use the host's names.
    public var resolvConf = "/etc/resolv.conf"
    /// Ranges from which the pods of this node get their addresses.
    public var podCIDRs: [String] = []
    /// The port of the node API, as the Node object tells.
    public var port = 10250
    /// What it answers.
    public var handlers = NodeHandlers()
    /// The cgroup below which the pods' cgroups are; `/` for the root.
    public var cgroupRoot = "/"
    /// Who makes the pods' cgroups; the runtime must do the same.
    public var cgroupDriver = CgroupDriver.cgroupfs
    /// A folder, or one file, of pods that the node runs by itself; `nil` for none.
    public var staticPods: String?
    /// As many pods as may be placed here.
    public var maxPods = 110
    /// As many for each core, where that is less; `nil` for any number.
    public var podsPerCore: Int?
    /// As many processes and threads as one pod may have; `nil` for any number.
    public var podProcesses: Int?
    /// Whether each pod has a control group, in one of its class. Without, containers are where the runtime puts them, and
    /// pods have no limits of their own.
    public var dividesCgroups = true
    /// What pods do not get.
    public var reservation = NodeReservation()
    /// Which of it control groups see to.
    public var enforcement = AllocatableEnforcement()
    /// Parameters of the kernel that pods may set.
    var sysctls = SysctlAllowance()
    /// A container that says nothing about seccomp is confined by the runtime's profile.
    public var isConfinedByDefault = false
    /// A container that keeps ending never waits longer before it is started again.
    public var longestBackOff = RestartBackOff.most
    /// How many images are pulled at once, and how often.
    public var pullLimits = PullLimits()
    /// Of which images it is looked at whose credentials brought them, and of which not.
    public var credentialPolicy = CredentialPolicy.exceptPreloaded
    public var imagesForAll: [String] = []
    /// Plug-ins that give credentials for images.
    public var credentialProviders: [CredentialProvider] = []
    /// Whether settings of the kernel that are otherwise than wanted end the start, and are not changed.
    public var protectsKernel = false
    /// When images go to make room.
    public var imageLimits = ImageLimits()
    /// When pods go, too.
    public var evictionThresholds = EvictionThreshold.defaults
    /// Pressure is told for this long after it was last seen, so that a node does not waver.
    public var evictionTransition = Duration.seconds(300)
    /// How long a pod that must go for a threshold with a grace period is given to end, at most.
    public var evictionGracePeriod = Duration.zero
    /// Where the files of the machine's users are.
    public var accounts = "/etc"
    /// As many ids each pod has that has users of its own.
    public var idsPerPod = UserRanges.unit
    /// How long pods are given when the machine goes down.
    public var shutdownPeriods = ShutdownPeriods.none
    /// Where the system's services speak, logind among them.
    public var systemBus = SystemBus.usualPath
    /// How long an answer of them is waited for.
    public var busPatience = SystemBus.usualPatience
    /// Where pieces of logind's configuration are.
    public var logindFolder = "/etc/systemd/logind.conf.d"
    /// How much the logs of containers may hold.
    public var logLimits = LogLimits()
    /// How processors, memory and devices are given to single containers.
    public var resourcePolicies = ResourcePolicies()
    /// Where the kernel tells of processors and memory.
    public var systemDevices = "/sys/devices/system"
    /// What the Node object tells about where the machine is from: `k3s://<name>`. Empty for nothing.
    public var providerID = ""

    /// The arguments that were taken, by name without dashes; fields of configuration files are among them.
    public internal(set) var givenArguments: [String: String] = [:]

    public init(
        nodeName: String, internalAddresses: [Support.IPAddress], version: String, layout: KubeletLayout
    ) {
        self.nodeName = nodeName
        self.internalAddresses = internalAddresses
        self.version = version
        self.layout = layout
    }

    var cgroupNames: CgroupNames { CgroupNames(cgroupDriver, root: cgroupRoot) }

    /// The group of a pod as the runtime is told it.
    func cgroupParent(podUID: String, _ quality: QualityOfService) -> String {
        dividesCgroups ? cgroupNames.path(podUID: podUID, quality) : cgroupNames.path([])
    }

    /// `nil` where systemd makes no cgroups.
    var systemdUnits: SystemdUnits? { cgroupDriver == .systemd ? SystemdUnits(bus: systemBus) : nil }
}
