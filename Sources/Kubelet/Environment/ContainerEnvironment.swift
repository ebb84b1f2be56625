public import API
import APIMachinery
public import Client
public import Support

/// The environment of containers: reads what a container's variables refer to, at the moment the container is
/// made.
public struct ContainerEnvironment: Sendable {
    private let client: any Client

    public init(client: any Client) { self.client = client }

    /// The variables of a container, each name once: those of services (the namespace's unless
    /// `enableServiceLinks` is false, those of `kubernetes` always), `envFrom`, and `env` with its references
    /// and `$(NAME)` expanded.
    ///
    /// Fails with `notFound` when a ConfigMap, a Secret or a key in it is not there: the container waits for
    /// it with the reason `CreateContainerConfigError`. With `unavailable` when the API does not answer.
    public func resolve(
        _ container: Container, in pod: Pod, _ placement: PodPlacement, _ volumes: MountedVolumes? = nil
    ) async throws(Fault) -> [(name: String, value: String)] {
        let namespace = pod.metadata.namespace
        let names = EnvironmentSources.names(in: container)
        var sources = EnvironmentSources()
        sources.files = volumes?.places.mapValues(\.path) ?? [:]
        do throws(Status) {
            for name in names.configMaps {
                sources.configMaps[name] = try await client.find(
                    ConfigMap.self, ObjectName(namespace: namespace, name: name))
            }
            for name in names.secrets {
                sources.secrets[name] = try await client.find(
                    Secret.self, ObjectName(namespace: namespace, name: name))
            }
            do throws(Status) { sources.services = try await services(for: pod) } catch {
                // What a node runs from a file runs without the API, too.
                guard pod.isStatic else { throw error }
            }
        } catch {
            throw Fault(error, "cannot read the environment of container \(container.name)")
        }
        do throws(Fault) {
            return try sources.variables(of: container, in: pod, placement)
        } catch {
            throw error.awaiting(sources.read(names, in: namespace))
        }
    }

    private func services(for pod: Pod) async throws(Status) -> [Service] {
        var services: [Service] = []
        if pod.spec.enableServiceLinks ?? true {
            services = try await client.list(Service.self, namespace: pod.metadata.namespace)
        }
        let cluster = ObjectName(namespace: "default", name: "kubernetes")
        if let service = try await client.find(Service.self, cluster) { services.append(service) }
        return services
    }

    /// Replaces `$(NAME)` by the variable's value; an unknown name stays as it is, and `$$` is one `$`. For
    /// `command` and `args`. Fails with `invalid` when no program could be started with the result.
    public static func expand(_ texts: [String], _ variables: [String: String]) throws(Fault) -> [String] {
        try VariableExpansion.expand(all: texts) { variables[$0] }
    }
}
