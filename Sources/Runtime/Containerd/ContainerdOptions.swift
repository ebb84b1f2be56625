import Host
public import Support

/// What is decided about containerd elsewhere: by flags, by the kubelet, by the machine.
public struct ContainerdOptions: Hashable, Sendable {
    /// The image of the sandboxes' first process (`--pause-image`).
    public var pauseImage = "rancher/mirrored-pause:3.10.2"
    public var snapshotter = "overlayfs"
    /// Runtimes beside runc.
    public var extraRuntimes: [ExtraRuntime] = []
    /// The runtime of pods without a RuntimeClass.
    public var defaultRuntime = "runc"
    /// Whether cgroups are made by systemd; must be what the kubelet does.
    public var usesSystemdCgroups = false
    public var isSELinuxEnabled = false
    /// The port on loopback where the runtime serves exec, attach and port-forward; 0 lets the system choose.
    public var streamPort: UInt16 = 10010
    /// Whether no process may get a lower `oom_score_adj` than containerd's own: needed without
    /// CAP_SYS_RESOURCE.
    public var restrictsOOMScore = false
    /// Whether it works in a user namespace: AppArmor's profiles cannot be loaded from there.
    public var isInUserNamespace = false
    /// Whether containers get no control groups, and with them no limits: where none were left to the user.
    public var hasNoCgroups = false
    public var registries = Registries()
    /// Whether only the mirrors of a registry are asked (`--disable-default-registry-endpoint`).
    public var isDefaultRegistryEndpointDisabled = false
    /// How often it looks at the sizes of containers' layers. They are read at most this old, and the looking
    /// costs time even when nothing runs.
    public var layerStatisticsInterval = Duration.seconds(60)

    public init() {}

    /// With what this machine and this process allow.
    public static func detect() throws(Fault) -> ContainerdOptions {
        var options = ContainerdOptions()
        options.isInUserNamespace = UserNamespace.isOwn
        // There the capability is for nothing.
        let isAllowed = try Capabilities.own().contains(.sysResource)
        options.restrictsOOMScore = options.isInUserNamespace || !isAllowed
        return options
    }
}
