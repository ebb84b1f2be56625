import API
import APIMachinery
import Host
import Runtime
import Support

/// What the runtime can do for the mounts of a container, and what was brought for them.
public struct MountOffer: Sendable {
    /// The images that are volumes of the pod and that the runtime mounts, by the volume's name.
    var images: [String: CRI.ImageSpec] = [:]
    /// Where on the node the other images are mounted.
    var folders: [String: String] = [:]
    /// Mounts below a read-only mount can be made read-only too (KEP 3857).
    var hasRecursiveReadOnly = false

    public init() {}
}

/// What a container mounts of its pod's volumes, in the form that the runtime is given. Binds subPaths on the
/// way.
struct ContainerMounts {
    let layout: KubeletLayout
    let volumes: MountedVolumes
    let container: Container
    let environment: [String: String]
    var offer = MountOffer()

    func make() throws(Fault) -> [CRI.Mount] {
        var mounts: [CRI.Mount] = []
        var relabelled = Set<String>()
        for (index, mount) in container.volumeMounts.enumerated() {
            var made = try make(mount, index)
            // Once is enough.
            if volumes.places[mount.name]?.isRelabelled ?? false, relabelled.insert(mount.name).inserted {
                made.selinuxRelabel = true
            }
            mounts.append(made)
        }
        return mounts
    }

    /// The block devices that the container has of its pod's volumes.
    func devices() throws(Fault) -> [CRI.Device] {
        var devices: [CRI.Device] = []
        for wanted in container.volumeDevices {
            guard let place = volumes.places[wanted.name] else {
                throw Fault(.unavailable, "volume \(wanted.name) of container \(container.name) is not mapped")
            }
            guard place.isDevice else {
                throw Fault(
                    .invalid,
                    "volume \(wanted.name) has volumeMode Filesystem, but is specified in volumeDevices")
            }
            var device = CRI.Device()
            (device.hostPath, device.containerPath) = (place.path, wanted.devicePath)
            device.permissions = place.isReadOnly ? "r" : "mrw"
            devices.append(device)
        }
        return devices
    }

    private func make(_ mount: VolumeMount, _ index: Int) throws(Fault) -> CRI.Mount {
        guard let place = volumes.places[mount.name] else {
            throw Fault(.unavailable, "volume \(mount.name) of container \(container.name) is not mounted")
        }
        let folder = place.isImage ? offer.folders[mount.name] : place.path
        guard var path = folder else { return try makeImage(mount) }
        guard !place.isDevice else {
            throw Fault(.invalid, "volume \(mount.name) has volumeMode Block, but is specified in volumeMounts")
        }
        if let part = try subPath(of: mount), !part.isEmpty {
            let target = Path.join(
                layout.pod(volumes.podUID), "volume-subpaths/\(mount.name)/\(container.name)/\(index)")
            do throws(Fault) { try SubPath(path: part, volume: path, target: target).bind() } catch {
                let name = GoText.quoted(mount.name)
                let container = GoText.quoted(container.name)
                throw Fault(
                    error.code, "failed to prepare subPath for volumeMount \(name) of container \(container): \(error.summary)",
                    remedy: error.remedy)
            }
            path = target
        }
        var made = CRI.Mount(
            path, at: inside(mount), readonly: mount.readOnly || place.isReadOnly,
            propagation: try propagation(of: mount))
        made.recursiveReadOnly = try isRecursiveReadOnly(mount)
        return made
    }

    private func inside(_ mount: VolumeMount) -> String {
        mount.mountPath.hasPrefix("/") ? mount.mountPath : "/" + mount.mountPath
    }

    /// The runtime mounts the image, or a folder of it.
    private func makeImage(_ mount: VolumeMount) throws(Fault) -> CRI.Mount {
        guard let image = offer.images[mount.name] else {
            throw Fault(.unavailable, "the image of volume \(mount.name) is not here")
        }
        var made = CRI.Mount("", at: inside(mount), readonly: true, propagation: try propagation(of: mount))
        made.image = image
        made.imageSubPath = try subPath(of: mount) ?? ""
        return made
    }

    private func isRecursiveReadOnly(_ mount: VolumeMount) throws(Fault) -> Bool {
        switch mount.recursiveReadOnly ?? "Disabled" {
        case "Disabled": return false
        case "IfPossible": return mount.readOnly && offer.hasRecursiveReadOnly
        case "Enabled":
            guard mount.readOnly else {
                throw Fault(
                    .invalid,
                    "volume \(GoText.quoted(mount.name)) requested recursive read-only mode, but it is not read-only")
            }
            guard offer.hasRecursiveReadOnly else {
                throw Fault(
                    .unsupported,
                    "volume \(GoText.quoted(mount.name)) requested recursive read-only mode, but it is not supported "
                        + "by the runtime")
            }
            return true
        case let mode:
            throw Fault(.invalid, "unknown recursive read-only mode \(GoText.quoted(mode))")
        }
    }

    private func subPath(of mount: VolumeMount) throws(Fault) -> String? {
        guard !mount.subPathExpr.isEmpty else { return mount.subPath }
        if let name = try VariableExpansion.firstUnknown(mount.subPathExpr, environment) {
            throw Fault(.invalid, "volume \(mount.name): subPathExpr refers to \(name), which is not set")
        }
        return try VariableExpansion.expand(mount.subPathExpr) { environment[$0] }
    }

    private func propagation(of mount: VolumeMount) throws(Fault) -> CRI.MountPropagation {
        switch mount.mountPropagation ?? "None" {
        case "None": .private
        case "HostToContainer": .hostToContainer
        case "Bidirectional": .bidirectional
        case let mode: throw Fault(.invalid, "volume \(mount.name): invalid MountPropagation mode: \(mode)")
        }
    }
}
