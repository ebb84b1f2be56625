import Logging
import Runtime
import Support

/// Keeps containers on the processors that are theirs: those without processors of their own on the shared
/// ones, whenever these change.
final class SharedProcessors: Sendable {
    private let resources: ResourceDesk
    private let runtime: any RuntimeService
    private let log: Logger

    init(_ resources: ResourceDesk, _ runtime: any RuntimeService, log: Logger) {
        self.resources = resources
        self.runtime = runtime
        self.log = log
    }

    /// Until cancelled. Returns at once where all processors are shared.
    func run() async {
        guard resources.read({ $0.processors != nil }) else { return }
        var pause = Duration.zero
        while !Task.isCancelled {
            if pause == .zero {
                await resources.poolChanges.wait()
            } else {
                await resources.poolChanges.wait(atMost: pause)
            }
            if Task.isCancelled { return }
            do throws(Fault) {
                try await tellAll()
                pause = .zero
            } catch {
                log.warning("containers may run on processors that others have alone: \(error.forPeople)")
                pause = min(max(pause + pause, .milliseconds(200)), .seconds(30))
            }
        }
    }

    private func tellAll() async throws(Fault) {
        let containers = try await runtime.listContainers(CRI.ContainerFilter())
        let running = containers.filter { $0.state == .running || $0.state == .created }
        var failure: Fault?
        for container in running {
            guard let uid = container.labels[PodLabels.podUID],
                let name = container.labels[PodLabels.containerName],
                let list = resources.processorList(of: uid, name),
                case let wanted = ResourceDesk.Told(containerID: container.id, processors: list),
                resources.read({ $0.told[uid]?[name] }) != wanted
            else { continue }
            var limits = CRI.LinuxContainerResources()
            limits.cpusetCPUs = list
            do throws(Fault) {
                try await runtime.updateContainerResources(container.id, limits, annotations: [:])
                resources.note(uid, name, wanted)
            } catch where error.code == .notFound {
                // It has ended meanwhile.
            } catch { failure = error }
        }
        if let failure { throw failure }
    }
}

extension ResourceDesk {
    /// The processors on which a container runs; `nil` where all do on all.
    func processorList(of pod: String, _ container: String) -> String? {
        read { state in
            state.processors.map { ProcessorList.text($0.processors(of: pod, container) ?? $0.shared) }
        }
    }

    /// Whether a container of the pod has processors of its own: no quota holds it back then (KEP 4176).
    func hasOwnProcessors(_ pod: String, _ container: String? = nil) -> Bool {
        read { state in
            guard let own = state.processors?.assignments[pod] else { return false }
            return container.map { own[$0] != nil } ?? !own.isEmpty
        }
    }

    /// The nodes of memory that a container uses; empty for any.
    func memoryNodes(of pod: String, _ container: String) -> String {
        read { ProcessorList.text(Set($0.memory?.affinity(of: pod, container) ?? [])) }
    }
}
