import Testing

@testable import API

@Suite struct WorkloadWrongsTests {
    @Test(arguments: Wrong.cases(text)) func `what is wrong with a workload is named`(wrong: Wrong) throws {
        let found = try wrong.found(try LeastObjects.all())
        #expect(found == wrong.errors)
    }

    private static let text = #"""
        deployments.apps
          spec.selector =
          ! spec.selector: Required value
          ! spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`
          spec.selector = {}
          ! spec.selector: Invalid value: {}: empty selector is invalid for deployment
          spec.selector = {"matchLabels": {"c": "d"}}
          ! spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`
          spec.replicas = -1
          ! spec.replicas: Invalid value: -1: must be greater than or equal to 0
          spec.minReadySeconds = 600
          ! spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds
          spec.strategy = {"type": "Recreate", "rollingUpdate": {}}
          ! spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'
          spec.strategy = {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}
          ! spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0
          spec.strategy = {"rollingUpdate": {"maxUnavailable": "101%"}}
          ! spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%
          spec.strategy = {"rollingUpdate": {"maxSurge": "ten"}}
          ! spec.strategy.rollingUpdate.maxSurge: Invalid value: "ten": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')
          spec.strategy.type = "Odd"
          ! spec.strategy.type: Unsupported value: "Odd": supported values: "Recreate", "RollingUpdate"
          spec.template.spec.restartPolicy = "Never"
          ! spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"
          spec.template.spec.activeDeadlineSeconds = 5
          ! spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in Deployment is not Supported
          spec.template.spec.ephemeralContainers = [{"name": "e", "image": "i"}]
          ! spec.template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template
          update spec.selector = {"matchLabels": {"c": "d"}}
          ! spec.selector: Invalid value: {"matchLabels":{"c":"d"}}: field is immutable
        replicasets.apps
          spec.minReadySeconds = -1
          ! spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0
          update spec.selector = {"matchLabels": {"c": "d"}}
          ! spec.selector: Invalid value: {"matchLabels":{"c":"d"}}: field is immutable
          update status = {"terminatingReplicas": -1}
          ! status.terminatingReplicas: Invalid value: -1: must be greater than or equal to 0
          update status = {"replicas": 1, "readyReplicas": 2}
          ! status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas
        daemonsets.apps
          spec.updateStrategy = {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 0}}
          ! spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0
          spec.updateStrategy = {"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}}
          ! spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero
          update spec.selector = {"matchLabels": {"c": "d"}}
          ! spec.selector: Invalid value: {"matchLabels":{"c":"d"}}: field is immutable
        statefulsets.apps
          metadata.name = "a.b"
          ! metadata.name: Invalid value: "a.b": must not contain dots
          spec.updateStrategy = {"type": "OnDelete", "rollingUpdate": {"partition": 1}}
          ! spec.updateStrategy.rollingUpdate: Invalid value: {"partition":1}: only allowed for updateStrategy 'RollingUpdate'
          spec.updateStrategy = {"rollingUpdate": {"partition": -1}}
          ! spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0
          spec.podManagementPolicy = "Odd"
          ! spec.podManagementPolicy: Invalid value: "Odd": must be 'OrderedReady' or 'Parallel'
          spec.updateStrategy = {"type": "Odd"}
          ! spec.updateStrategy: Invalid value: {"type":"Odd"}: must be 'RollingUpdate' or 'OnDelete'
          spec.serviceName = "a.b"
          ! spec.serviceName: Invalid value: "a.b": must not contain dots
          update spec.serviceName = "y"
          ! spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden
        replicationcontrollers
          spec.selector = {"c": "d"}
          ! spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`
          spec.template =
          spec.selector = {"a": "b"}
          ! spec.template: Required value
        controllerrevisions.apps
          data =
          ! data: Required value: data is mandatory
          revision = -1
          ! revision: Invalid value: -1: must be greater than or equal to 0
          update data = {"a": 1}
          ! data: Invalid value: {"a":1}: field is immutable
        jobs.batch
          spec.template.spec.restartPolicy = "Always"
          ! spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"
          spec.completionMode = "Indexed"
          spec.parallelism = 2
          ! spec.completions: Required value: when completion mode is Indexed
          spec.parallelism = -1
          ! spec.parallelism: Invalid value: -1: must be greater than or equal to 0
          spec.backoffLimitPerIndex = 1
          ! spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode
          spec.maxFailedIndexes = 1
          ! spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified
          ! spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode
          spec.podFailurePolicy = {"rules": [{"action": "FailJob"}]}
          ! spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required
          spec.podFailurePolicy = {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [0]}}]}
          ! spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator
          spec.managedBy = "me"
          ! spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")
          spec.selector = {"matchLabels": {"batch.kubernetes.io/controller-uid": "u", "c": "d"}}
          ! spec.selector: Invalid value: {"matchLabels":{"batch.kubernetes.io/controller-uid":"u","c":"d"}}: `selector` not auto-generated
          ! spec.template.metadata.labels: Invalid value: {"batch.kubernetes.io/controller-uid":"u","batch.kubernetes.io/job-name":"x","controller-uid":"u","job-name":"x"}: `selector` does not match template `labels`
          update spec.completions = 3
          ! spec.completions: Invalid value: 3: field is immutable
          update spec.template.spec.containers.0.image = "j"
          ! spec.template: Invalid value: {"metadata":{"labels":{"batch.kubernetes.io/controller-uid":"u","batch.kubernetes.io/job-name":"x","controller-uid":"u","job-name":"x"}},"spec":{"containers":[{"image":"j","imagePullPolicy":"Always","name":"c","resources":{},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],"dnsPolicy":"ClusterFirst","restartPolicy":"Never","schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":30}}: field is immutable
          update status = {"conditions": [{"type": "Complete", "status": "True"}], "startTime": "2030-01-01T00:00:00Z"}
          ! status.completionTime: Required value: completionTime is required for Complete jobs
          ! status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition
          update status = {"conditions": [{"type": "Failed", "status": "True"}], "startTime": "2030-01-01T00:00:00Z"}
          ! status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition
          update status = {"conditions": [{"type": "FailureTarget", "status": "True"}, {"type": "Failed", "status": "True"}], "startTime": "2030-01-01T00:00:00Z", "active": 1, "terminating": 1, "uncountedTerminatedPods": {"failed": ["a"]}}
          ! status.active: Invalid value: 1: active>0 is invalid for finished job
          ! status.uncountedTerminatedPods: Invalid value: {"failed":["a"]}: uncountedTerminatedPods needs to be empty for finished job
          ! status.terminating: Invalid value: 1: terminating>0 is invalid for finished job
          update status = {"uncountedTerminatedPods": {"succeeded": ["a", ""], "failed": ["a"]}}
          ! status.uncountedTerminatedPods.succeeded[1]: Invalid value: "": must not be empty
          ! status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"
          update status = {"active": 1, "ready": 5}
          ! status.ready: Invalid value: 5: cannot set more ready pods than active
          update status = {"completedIndexes": "0", "failedIndexes": "1"}
          ! status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode
          ! status.failedIndexes: Invalid value: "1": cannot set non-null failedIndexes when backoffLimitPerIndex is null
          before spec.completionMode = "Indexed"
          before spec.completions = 4
          before spec.backoffLimitPerIndex = 1
          update status = {"completedIndexes": "x", "failedIndexes": "2,1"}
          ! status.completedIndexes: Invalid value: "x": error parsing completedIndexes: cannot convert string to integer for index: "x"
          ! status.failedIndexes: Invalid value: "2,1": error parsing failedIndexes: non-increasing order, previous: 2, current: 1
          before spec.completionMode = "Indexed"
          before spec.completions = 4
          before spec.backoffLimitPerIndex = 1
          update status = {"completedIndexes": "9"}
          ! status.completedIndexes: Invalid value: "9": error parsing completedIndexes: too large index: "9"
          before spec.completionMode = "Indexed"
          before spec.completions = 4
          before spec.backoffLimitPerIndex = 1
          update status = {"completedIndexes": "0,2-3", "failedIndexes": "1-2"}
          ! status.failedIndexes: Invalid value: "1-2": failedIndexes and completedIndexes overlap at index: 2
          before status = {"conditions": [{"type": "SuccessCriteriaMet", "status": "True"}, {"type": "Complete", "status": "True"}], "startTime": "2030-01-01T00:00:00Z", "completionTime": "2030-01-01T00:00:00Z"}
          update status.completionTime = "2030-01-01T00:01:00Z"
          ! status.completionTime: Invalid value: "2030-01-01T00:01:00Z": completionTime cannot be mutated
          before status = {"conditions": [{"type": "Complete", "status": "True"}], "startTime": "2030-01-01T00:00:00Z", "completionTime": "2030-01-01T00:00:00Z"}
          update status.conditions = [{"type": "Complete", "status": "True"}, {"type": "SuccessCriteriaMet", "status": "True"}]
          ! status.conditions: Invalid value: cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions
          before status = {"startTime": "2030-01-01T00:00:00Z"}
          update status = {"active": 1}
          ! status.startTime: Required value: startTime cannot be removed for unsuspended job
          before status = {"succeeded": 2}
          update status = {"succeeded": 1}
          ! status.succeeded: Invalid value: 1: cannot decrease the succeeded counter
        cronjobs.batch
          spec.schedule = "* * *"
          ! spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]
          spec.schedule =
          ! spec.schedule: Required value
          spec.schedule = "TZ=UTC * * * * *"
          ! spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead
          spec.timeZone = ""
          ! spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string
          spec.timeZone = "Europe/Atlantis"
          ! spec.timeZone: Invalid value: "Europe/Atlantis": unknown time zone Europe/Atlantis
          spec.concurrencyPolicy = "Often"
          ! spec.concurrencyPolicy: Unsupported value: "Often": supported values: "Allow", "Forbid", "Replace"
          spec.startingDeadlineSeconds = -1
          ! spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0
          spec.jobTemplate.spec.manualSelector = true
          ! spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"
          metadata.name = "a123456789a123456789a123456789a123456789a123456789abc"
          ! metadata.name: Invalid value: "a123456789a123456789a123456789a123456789a123456789abc": must be no more than 52 characters
        horizontalpodautoscalers.autoscaling
          spec.maxReplicas = 0
          ! spec.maxReplicas: Invalid value: 0: must be greater than 0
          ! spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`
          spec.minReplicas = 0
          ! spec.minReplicas: Invalid value: 0: must be greater than or equal to 1
          spec.scaleTargetRef.name =
          ! spec.scaleTargetRef.name: Required value
          spec.metrics = [{"type": "Resource"}]
          ! spec.metrics[0].resource: Required value: must populate information for the given metric source
          spec.metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 0}}}]
          ! spec.metrics[0].resource.target.averageUtilization: Invalid value: 0: must be greater than 0
          spec.metrics = [{"type": "Pods", "pods": {"metric": {"name": "m"}, "target": {"type": "AverageValue"}}}]
          ! spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue
          spec.behavior = {"scaleUp": {"stabilizationWindowSeconds": 4000}}
          ! spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 4000: must be less than or equal to 3600
          spec.behavior = {"scaleDown": {"policies": [{"type": "Odd", "value": 1, "periodSeconds": 1}]}}
          ! spec.behavior.scaleDown.policies[0].type: Unsupported value: "Odd": supported values: "Percent", "Pods"
        poddisruptionbudgets.policy
          spec.maxUnavailable = 1
          ! spec: Invalid value: {"maxUnavailable":1,"minAvailable":1,"selector":{"matchLabels":{"a":"b"}}}: minAvailable and maxUnavailable cannot be both set
          spec.minAvailable = -1
          ! spec.minAvailable: Invalid value: -1: must be greater than or equal to 0
          spec.unhealthyPodEvictionPolicy = "Never"
          ! spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"
          spec.minAvailable = "101%"
          ! spec.minAvailable: Invalid value: "101%": must not be greater than 100%
          spec.selector = {"matchExpressions": [{"key": "a", "operator": "In"}]}
          ! spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'
          update status = {"disruptionsAllowed": -1}
          ! status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0
        """#
}
