import API
import APIMachinery
import APIServer
import Client

extension Workload {
    static let jobs: [Kind] = [
        Kind(name: "create job", weight: 6) { user throws(Status) in
            let name = user.name("j")
            var template = user.template(app: name.name)
            let policy = user.dice.happens(0.5) ? "Never" : "OnFailure"
            template[path: ["spec", "restartPolicy"]] = .string(policy)
            let codes = user.dice.element(of: ["0", "0", "1,0", "0,1,0", "1"]) ?? "0"
            template[path: ["metadata", "annotations"]] = [
                PodPlan.Wish.life: .string("\(user.dice.number(in: 1...40))"), PodPlan.Wish.exitCodes: .string(codes),
            ]
            var spec: Value = [
                "completions": .integer(Int64(user.dice.number(in: 1...4))),
                "parallelism": .integer(Int64(user.dice.number(in: 0...3))),
                "backoffLimit": .integer(Int64(user.dice.number(in: 0...2))), "template": template,
            ]
            if user.dice.happens(0.3) { spec["ttlSecondsAfterFinished"] = .integer(Int64(user.dice.number(in: 0...60))) }
            if user.dice.happens(0.3) { spec["completionMode"] = "Indexed" }
            return try await user.create(Job.self, name, spec) + ", " + codes
        },
        Kind(name: "pause job", weight: 2) { user throws(Status) in
            guard let job = try await user.present(Job.self) else { return nil }
            let pauses = user.dice.happens(0.5)
            let patch: Value = ["spec": ["suspend": .bool(pauses)]]
            _ = try await user.client().patch(Target(.jobs, job.objectName), .merge(patch), WriteOptions())
            return "\(job.objectName): \(pauses)"
        },
        Kind(name: "widen job", weight: 2) { user throws(Status) in
            guard let job = try await user.present(Job.self) else { return nil }
            let width = user.dice.number(in: 1...4)
            let patch: Value = ["spec": ["parallelism": .integer(Int64(width))]]
            _ = try await user.client().patch(Target(.jobs, job.objectName), .merge(patch), WriteOptions())
            return "\(job.objectName) to \(width)"
        },
        Kind(name: "delete job", weight: 2) { user throws(Status) in try await user.delete(Job.self) },
    ]

    /// Their jobs come by the clock, also when the users are done.
    static let cronJobs: [Kind] = [
        Kind(name: "create cronjob", weight: 2) { user throws(Status) in
            let name = user.name("c", of: 1)
            var template = user.template(app: name.name)
            template[path: ["spec", "restartPolicy"]] = "Never"
            let seconds = user.dice.number(in: 1...90)
            template[path: ["metadata", "annotations"]] = [
                PodPlan.Wish.life: .string("\(seconds)"), PodPlan.Wish.exitCodes: "0",
            ]
            let policy = user.dice.element(of: ["Allow", "Forbid", "Replace"]) ?? "Allow"
            let spec: Value = [
                "schedule": .string(user.schedule), "concurrencyPolicy": .string(policy),
                "jobTemplate": ["spec": ["template": template]],
            ]
            return try await user.create(CronJob.self, name, spec) + ", " + policy
        },
        Kind(name: "delete cronjob", weight: 1) { user throws(Status) in try await user.delete(CronJob.self) },
    ]
}
