import API
import APIMachinery
import Client
import Host
import Logging
import Runtime
import Support

/// Makes and starts one container of a pod: its image, environment, mounts and files first, each of which
/// may not be ready yet.
struct ContainerStarter: Sendable {
    enum Result: Sendable {
        case started(id: String)
        /// It waits, as its status says.
        case held(PodMemory.Hold)
    }

    /// Something that makes the container wait: the reason in its status, and what it is.
    private struct Refusal: Error {
        var reason: String
        var fault: Fault
    }

    let context: PodContext
    let facts: PodFacts
    let member: PodContainers.Member
    let attempt: UInt32
    let sandbox: RuntimePod.Sandbox
    let volumes: MountedVolumes

    private var pod: Pod { facts.pod }
    private var container: Container { member.container }

    /// Fails when the runtime does not answer.
    func start() async throws(Fault) -> Result {
        let sandboxConfig = SandboxConfiguration(
            context.options, pod, resolver: context.resolver(), users: context.users.present(pod.metadata.uid)
        ).config(pod, attempt: sandbox.attempt)
        let image: CRI.Image
        let want = ImageStore.Want(
            name: container.name, image: container.image, policy: container.imagePullPolicy)
        switch try await prepare(want, sandboxConfig) {
        case .ready(let ready): image = ready
        case .hold(let hold): return .held(hold)
        }
        var offer = MountOffer()
        var images: Set = [image.id]
        for want in wantedVolumes {
            switch try await prepare(want.image, sandboxConfig) {
            case .ready(let ready):
                images.insert(ready.id)
                do throws(Fault) { offer.folders[want.volume] = try await mount(ready, as: want.volume) } catch {
                    context.tell(pod, member, .warning, "Failed", "Error: \(error.summary)")
                    return .held(PodMemory.Hold(reason: "CreateContainerError", error, after: .seconds(10)))
                }
                guard offer.folders[want.volume] == nil else { continue }
                offer.images[want.volume] = CRI.ImageSpec(ready.id)
                offer.images[want.volume]?.userSpecifiedImage = want.image.image
            case .hold(let hold): return .held(hold)
            }
        }
        for id in images { context.collector.use(id) }
        do throws(Refusal) {
            return .started(id: try await make(image, offer, sandboxConfig))
        } catch {
            context.tell(pod, member, .warning, "Failed", "Error: \(error.fault.summary)")
            return .held(PodMemory.Hold(reason: error.reason, error.fault, after: .seconds(10)))
        }
    }

    private func prepare(
        _ want: ImageStore.Want, _ config: CRI.PodSandboxConfig
    ) async throws(Fault) -> ImageStore.Answer {
        try await context.images.prepare(want, of: pod, fieldPath: member.fieldPath, config: config)
    }

    /// The images that the container mounts as volumes (KEP 4639).
    private var wantedVolumes: [(volume: String, image: ImageStore.Want)] {
        let mounted = Set(container.volumeMounts.map(\.name))
        return pod.spec.volumes.compactMap { volume in
            guard mounted.contains(volume.name), let source = volume.image else { return nil }
            let want = ImageStore.Want(
                name: "\(container.name)/\(volume.name)", image: source.reference, policy: source.pullPolicy)
            return (volume.name, want)
        }
    }

    /// Where on the node an image's files are that is a volume of the pod; `nil` when the runtime mounts it by itself.
    private func mount(_ image: CRI.Image, as volume: String) async throws(Fault) -> String? {
        let path = context.options.layout.volume(volume, plugin: "kubernetes.io~image", podUID: pod.metadata.uid)
        if Files.exists(path), try Mounts.isMountPoint(path) { return path }
        return try await context.images.mount(image.id, at: path) ? path : nil
    }

    private func make(
        _ image: CRI.Image, _ offer: MountOffer, _ sandboxConfig: CRI.PodSandboxConfig
    ) async throws(Refusal) -> String {
        let config = try await configure(image, offer)
        let id: String
        do throws(Fault) {
            id = try await context.runtime.createContainer(
                in: sandbox.id, config, sandboxConfig: sandboxConfig)
        } catch {
            throw Refusal(reason: "CreateContainerError", fault: error.told)
        }
        let told = ResourceDesk.Told(containerID: id, processors: config.linux.resources.cpusetCPUs)
        context.resources.note(pod.metadata.uid, container.name, told)
        // Its end may be told at any moment from now on.
        context.table.own([id], pod.metadata.uid)
        context.tell(pod, member, .normal, "Created", "Container created")
        linkLog(id, Path.join(sandboxConfig.logDirectory, config.logPath))
        do throws(Fault) { try await context.runtime.startContainer(id) } catch {
            throw Refusal(reason: "RunContainerError", fault: error.told)
        }
        context.tell(pod, member, .normal, "Started", "Container started")
        return id
    }

    // MARK: What it is made from

    private func configure(_ image: CRI.Image, _ offer: MountOffer) async throws(Refusal) -> CRI.ContainerConfig {
        let security = ContainerSecurity(container, in: pod, seccompProfiles: context.seccompProfiles)
        do throws(RootRefused) { try security.checkUser(image) } catch {
            throw Refusal(reason: "CreateContainerConfigError", fault: Fault(.denied, error.message))
        }
        var configuration = ContainerConfiguration(
            pod: pod, container: container, attempt: attempt, seccompProfiles: context.seccompProfiles)
        configuration.isConfinedByDefault = context.options.isConfinedByDefault
        do throws(Fault) {
            let environment = try await context.environment.resolve(container, in: pod, placement, volumes)
            let variables = Dictionary(environment.map { ($0.name, $0.value) }) { $1 }
            var offer = offer
            offer.hasRecursiveReadOnly = try await hasRecursiveReadOnly()
            var mounts = try context.volumes.mounts(
                of: container, in: pod, volumes, environment: variables, offer)
            try addFiles(to: &mounts)
            var around = ContainerConfiguration.Surroundings(
                image: image, environment: environment, mounts: mounts,
                memoryCapacity: context.capacity.memory, isUnified: context.groups.isUnified)
            around.devices = try context.volumes.devices(of: container, volumes)
            around.plugged = try await context.resources.devices.prepare(container, of: pod.metadata.uid)
            let claimed = try context.claims.devices(of: container, in: pod)
            around.plugged.cdiDevices = claimed + around.plugged.cdiDevices.filter { !claimed.contains($0) }
            around.target = target
            around.users = context.users.present(pod.metadata.uid)
            let (uid, resources) = (pod.metadata.uid, context.resources)
            around.processors = resources.processorList(of: uid, container.name) ?? ""
            around.memoryNodes = resources.memoryNodes(of: uid, container.name)
            around.hasOwnProcessors = resources.hasOwnProcessors(uid, container.name)
            return try configuration.config(around)
        } catch {
            throw Refusal(reason: "CreateContainerConfigError", fault: error)
        }
    }

    /// Asked only where it matters.
    private func hasRecursiveReadOnly() async throws(Fault) -> Bool {
        let modes = container.volumeMounts.compactMap(\.recursiveReadOnly)
        guard modes.contains(where: { $0 != "Disabled" }) else { return false }
        let handler = try await context.handler(facts.spec)
        return try await context.runtime.status().runtimeHandlers
            .first { $0.name == handler }?.features.recursiveReadOnlyMounts ?? false
    }

    private var podIPs: [String] { facts.spec.hostNetwork ? context.hostIPs : sandbox.ips }

    private var placement: PodPlacement {
        PodPlacement(
            nodeName: context.options.nodeName, hostIP: context.hostIPs.first ?? "", hostIPs: context.hostIPs,
            podIPs: podIPs, allocatable: context.capacity.allocatable)
    }

    /// `kubectl debug --target`: the processes of that container are seen.
    private var target: String? {
        guard let name = container.value["targetContainerName"]?.string, !name.isEmpty else { return nil }
        return facts.current(name)?.id
    }

    /// The kubelet's own files: the hosts, unless the container brings its own, and the one for last words.
    private func addFiles(to mounts: inout [CRI.Mount]) throws(Fault) {
        let files = context.files(pod)
        if !podIPs.isEmpty, !mounts.contains(where: { $0.containerPath == "/etc/hosts" }) {
            try files.writeHosts(try hosts())
            mounts.append(relabelled(CRI.Mount(files.hosts, at: "/etc/hosts")))
        }
        let path = container.terminationMessagePath
        if !path.isEmpty {
            let file = try files.makeMessageFile(container.name, attempt: attempt)
            mounts.append(relabelled(CRI.Mount(file, at: path)))
        }
    }

    private func relabelled(_ mount: CRI.Mount) -> CRI.Mount {
        var mount = mount
        mount.selinuxRelabel = true
        return mount
    }

    private func hosts() throws(Fault) -> String {
        let aliases = facts.spec.hostAliases
        if facts.spec.hostNetwork {
            return HostsFile.text(ofHost: try Files.readText("/etc/hosts"), aliases: aliases)
        }
        let name = PodHostname(pod, clusterDomain: context.options.clusterDomain)
        return HostsFile.text(ips: podIPs, hostname: name.name, domain: name.domain, aliases: aliases)
    }

    /// A log that collectors do not find is no reason not to start.
    private func linkLog(_ id: String, _ path: String) {
        let link = context.files(pod).link(id, container.name, pod)
        do throws(Fault) {
            try Files.makeDirectory(Path.parent(of: link))
            try Files.makeSymbolicLink(at: link, to: path)
        } catch {
            context.log.debug("cannot link the log of \(container.name): \(error)")
        }
    }
}
