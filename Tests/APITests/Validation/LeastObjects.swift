import APIMachinery
import Testing

@testable import API

/// The smallest good object of each built-in kind.
enum LeastObjects {
    /// By resource and group: `deployments.apps`.
    static func all() throws -> [String: Value] {
        var objects: [String: Value] = [:]
        for document in try YAML.documents(text) {
            let kind = GroupVersionKind(
                apiVersion: document["apiVersion"]?.string ?? "", kind: document["kind"]?.string ?? "")
            let definition = try #require(
                BuiltinResources.shared.definition(of: kind), "\(kind.apiVersion) \(kind.kind)")
            objects[definition.resource.groupResource] = document
        }
        return objects
    }

    private static let text = """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: x, namespace: default}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: x, namespace: default}
        ---
        apiVersion: v1
        kind: Endpoints
        metadata: {name: x, namespace: default}
        subsets: [{addresses: [{ip: 10.0.0.1}], ports: [{port: 80}]}]
        ---
        apiVersion: v1
        kind: Event
        metadata: {name: x, namespace: default}
        involvedObject: {kind: Pod, name: x, namespace: default}
        ---
        apiVersion: v1
        kind: LimitRange
        metadata: {name: x, namespace: default}
        spec: {limits: [{type: Container, max: {cpu: "2"}}]}
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: x}
        ---
        apiVersion: v1
        kind: Node
        metadata: {name: x}
        ---
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: x, namespace: default}
        spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
        ---
        apiVersion: v1
        kind: PersistentVolume
        metadata: {name: x}
        spec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, hostPath: {path: /data}}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: x, namespace: default}
        spec: {containers: [{name: c, image: i}]}
        ---
        apiVersion: v1
        kind: PodTemplate
        metadata: {name: x, namespace: default}
        template: {spec: {containers: [{name: c, image: i}]}}
        ---
        apiVersion: v1
        kind: ReplicationController
        metadata: {name: x, namespace: default}
        spec: {selector: {a: b}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}
        ---
        apiVersion: v1
        kind: ResourceQuota
        metadata: {name: x, namespace: default}
        spec: {hard: {pods: "10"}}
        ---
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: x, namespace: default}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: x, namespace: default}
        spec: {ports: [{port: 80}]}
        ---
        apiVersion: apps/v1
        kind: ControllerRevision
        metadata: {name: x, namespace: default}
        data: {}
        revision: 1
        ---
        apiVersion: apps/v1
        kind: DaemonSet
        metadata: {name: x, namespace: default}
        spec:
          selector: {matchLabels: {a: b}}
          template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: x, namespace: default}
        spec:
          selector: {matchLabels: {a: b}}
          template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}
        ---
        apiVersion: apps/v1
        kind: ReplicaSet
        metadata: {name: x, namespace: default}
        spec:
          selector: {matchLabels: {a: b}}
          template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}
        ---
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: x, namespace: default}
        spec:
          serviceName: x
          selector: {matchLabels: {a: b}}
          template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}
        ---
        apiVersion: batch/v1
        kind: CronJob
        metadata: {name: x, namespace: default}
        spec:
          schedule: "*/5 * * * *"
          jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}
        ---
        apiVersion: batch/v1
        kind: Job
        metadata: {name: x, namespace: default, uid: u}
        spec:
          selector: {matchLabels: {batch.kubernetes.io/controller-uid: u}}
          template:
            metadata:
              labels: {batch.kubernetes.io/controller-uid: u, batch.kubernetes.io/job-name: x, controller-uid: u, job-name: x}
            spec: {restartPolicy: Never, containers: [{name: c, image: i}]}
        ---
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        metadata: {name: x, namespace: default}
        spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x}}
        ---
        apiVersion: networking.k8s.io/v1
        kind: IngressClass
        metadata: {name: x}
        spec: {controller: example.com/ingress}
        ---
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: {name: x, namespace: default}
        spec: {defaultBackend: {service: {name: s, port: {number: 80}}}}
        ---
        apiVersion: networking.k8s.io/v1
        kind: IPAddress
        metadata: {name: 10.0.0.1}
        spec: {parentRef: {resource: services, namespace: default, name: x}}
        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: x, namespace: default}
        spec: {podSelector: {}}
        ---
        apiVersion: networking.k8s.io/v1
        kind: ServiceCIDR
        metadata: {name: x}
        spec: {cidrs: [10.43.0.0/16]}
        ---
        apiVersion: policy/v1
        kind: PodDisruptionBudget
        metadata: {name: x, namespace: default}
        spec: {minAvailable: 1, selector: {matchLabels: {a: b}}}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: x}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: x}
        rules: [{verbs: [get], apiGroups: [""], resources: [pods]}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: x, namespace: default}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
        subjects: [{kind: ServiceAccount, name: a, namespace: default}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: x, namespace: default}
        rules: [{verbs: [get], apiGroups: [""], resources: [pods]}]
        ---
        apiVersion: storage.k8s.io/v1
        kind: CSIDriver
        metadata: {name: x}
        spec: {}
        ---
        apiVersion: storage.k8s.io/v1
        kind: CSINode
        metadata: {name: x}
        spec: {drivers: [{name: d.example.com, nodeID: node, topologyKeys: [example.com/zone]}]}
        ---
        apiVersion: storage.k8s.io/v1
        kind: CSIStorageCapacity
        metadata: {name: x, namespace: default}
        storageClassName: s
        ---
        apiVersion: storage.k8s.io/v1
        kind: StorageClass
        metadata: {name: x}
        provisioner: example.com/disk
        ---
        apiVersion: storage.k8s.io/v1
        kind: VolumeAttachment
        metadata: {name: x}
        spec: {attacher: d.example.com, nodeName: node, source: {persistentVolumeName: v}}
        ---
        apiVersion: storage.k8s.io/v1
        kind: VolumeAttributesClass
        metadata: {name: x}
        driverName: d.example.com
        parameters: {speed: fast}
        ---
        apiVersion: scheduling.k8s.io/v1
        kind: PriorityClass
        metadata: {name: x}
        value: 10
        ---
        apiVersion: coordination.k8s.io/v1
        kind: Lease
        metadata: {name: x, namespace: default}
        spec: {holderIdentity: h, leaseDurationSeconds: 15}
        ---
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: x, namespace: default}
        addressType: IPv4
        endpoints: [{addresses: [10.0.0.1]}]
        ports: [{port: 80}]
        ---
        apiVersion: node.k8s.io/v1
        kind: RuntimeClass
        metadata: {name: x}
        handler: runc
        ---
        apiVersion: certificates.k8s.io/v1
        kind: CertificateSigningRequest
        metadata: {name: x}
        spec:
          request: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==
          signerName: example.com/signer
          usages: [client auth]
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: MutatingAdmissionPolicy
        metadata: {name: x}
        spec:
          reinvocationPolicy: Never
          matchConstraints:
            resourceRules: [{operations: [CREATE], apiGroups: [""], apiVersions: [v1], resources: [pods]}]
          mutations: [{patchType: JSONPatch, jsonPatch: {expression: "[JSONPatch{}]"}}]
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: MutatingAdmissionPolicyBinding
        metadata: {name: x}
        spec: {policyName: p}
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: MutatingWebhookConfiguration
        metadata: {name: x}
        webhooks:
        - name: w.example.com
          sideEffects: None
          admissionReviewVersions: [v1]
          clientConfig: {url: "https://example.com/hook"}
          rules: [{operations: [CREATE], apiGroups: [""], apiVersions: [v1], resources: [pods]}]
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicy
        metadata: {name: x}
        spec:
          matchConstraints:
            resourceRules: [{operations: [CREATE], apiGroups: [""], apiVersions: [v1], resources: [pods]}]
          validations: [{expression: "true"}]
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicyBinding
        metadata: {name: x}
        spec: {policyName: p, validationActions: [Deny]}
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingWebhookConfiguration
        metadata: {name: x}
        webhooks:
        - name: w.example.com
          sideEffects: None
          admissionReviewVersions: [v1]
          clientConfig: {service: {namespace: default, name: s}}
        ---
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: tabs.example.com}
        spec:
          group: example.com
          scope: Namespaced
          names: {plural: tabs, kind: Tab}
          versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
        ---
        apiVersion: apiregistration.k8s.io/v1
        kind: APIService
        metadata: {name: v1.example.com}
        spec: {group: example.com, version: v1, groupPriorityMinimum: 10, versionPriority: 10}
        ---
        apiVersion: flowcontrol.apiserver.k8s.io/v1
        kind: FlowSchema
        metadata: {name: x}
        spec:
          matchingPrecedence: 10
          priorityLevelConfiguration: {name: l}
          rules:
          - subjects: [{kind: User, user: {name: u}}]
            resourceRules: [{verbs: [get], apiGroups: [""], resources: [pods], namespaces: ["*"]}]
        ---
        apiVersion: flowcontrol.apiserver.k8s.io/v1
        kind: PriorityLevelConfiguration
        metadata: {name: x}
        spec: {type: Limited, limited: {limitResponse: {type: Reject}}}
        ---
        apiVersion: resource.k8s.io/v1
        kind: DeviceClass
        metadata: {name: x}
        spec: {}
        ---
        apiVersion: resource.k8s.io/v1
        kind: ResourceClaim
        metadata: {name: x, namespace: default}
        spec: {devices: {requests: [{name: r, exactly: {deviceClassName: c}}]}}
        ---
        apiVersion: resource.k8s.io/v1
        kind: ResourceClaimTemplate
        metadata: {name: x, namespace: default}
        spec: {spec: {devices: {requests: [{name: r, exactly: {deviceClassName: c}}]}}}
        ---
        apiVersion: resource.k8s.io/v1
        kind: ResourceSlice
        metadata: {name: x}
        spec:
          driver: d.example.com
          nodeName: node
          pool: {name: p, generation: 1, resourceSliceCount: 1}
          devices: [{name: d}]
        ---
        apiVersion: storagemigration.k8s.io/v1beta1
        kind: StorageVersionMigration
        metadata: {name: x}
        spec: {resource: {resource: secrets}}
        """
}
