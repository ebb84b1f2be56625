import API
import Host
import Runtime
import Support

/// What a container mounts of its pod's volumes, in the form that the runtime is given. Binds subPaths on the
/// way.
struct ContainerMounts {
    let layout: KubeletLayout
    let volumes: MountedVolumes
    let container: Container
    let environment: [String: String]

    func make() throws(Fault) -> [CRI.Mount] {
        if let device = container.volumeDevices.first {
            throw Fault(.unsupported, "volume \(device.name): block devices are not supported")
        }
        var mounts: [CRI.Mount] = []
        for (index, mount) in container.volumeMounts.enumerated() { mounts.append(try make(mount, index)) }
        return mounts
    }

    private func make(_ mount: VolumeMount, _ index: Int) throws(Fault) -> CRI.Mount {
        guard let place = volumes.places[mount.name] else {
            throw Fault(.unavailable, "volume \(mount.name) of container \(container.name) is not mounted")
        }
        var path = place.path
        if let part = try subPath(of: mount), !part.isEmpty {
            let target = Path.join(
                layout.pod(volumes.podUID), "volume-subpaths/\(mount.name)/\(container.name)/\(index)")
            try SubPath(path: part, volume: path, target: target).bind()
            path = target
        }
        guard mount.recursiveReadOnly ?? "Disabled" != "Enabled" else {
            throw Fault(.unsupported, "volume \(mount.name): recursive read-only mounts are not supported")
        }
        let inside = mount.mountPath.hasPrefix("/") ? mount.mountPath : "/" + mount.mountPath
        return CRI.Mount(
            path, at: inside, readonly: mount.readOnly || place.isReadOnly,
            propagation: try propagation(of: mount))
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
