// Every word on the page, in both languages.

export type Language = "en" | "zh";

const WORDS = {
  warnings: ["Warnings", "预警"],
  processes: ["Processes", "进程"],
  events: ["Events", "事件"],
  connecting: ["connecting", "连接中"],
  live: ["live", "实时"],
  lost: ["connection lost", "连接中断"],
  stale: ["no new picture", "画面停滞"],
  none: ["none now", "当前无"],
  other: ["中文", "English"],
  road_users: ["road users", "交通参与者"],
  delay_s: ["delay", "平均延误"],
  stops_per_vehicle: ["stops per vehicle", "平均停车次数"],
  vehicles_served: ["vehicles in 5 min", "5分钟通过车辆"],
  longest_wait_s: ["longest wait", "最长等待"],
  pedestrians_waiting: ["pedestrians waiting", "等待行人"],
  queue: ["standing vehicles", "排队车辆"],
  warnings_imminent: ["imminent warnings", "紧急预警"],
  warnings_informative: ["informative", "提示预警"],
  good: ["good", "正常"],
  degraded: ["degraded", "降级"],
  failed: ["failed", "失效"],
  down: ["down", "离线"],
  starting: ["starting", "启动中"],
  stopping: ["stopping", "停止中"],
  waiting: ["not heard yet", "尚未收到"],
  restarts: ["restarts", "重启"],
  car: ["car", "小客车"],
  truck: ["truck", "货车"],
  bus: ["bus", "公交车"],
  motorcycle: ["motorcycle", "摩托车"],
  bicycle: ["two-wheeler", "非机动车"],
  pedestrian: ["pedestrian", "行人"],
  unknown: ["unknown", "未知"],
  speed: ["speed", "速度"],
  age: ["seen for", "跟踪时长"],
  deviation: ["position ±", "位置误差 ±"],
  lane: ["lane", "车道"],
  coasted: ["not measured for", "未测量"],
  crossing: ["crossing collision", "交叉碰撞"],
  left_turn: ["left turn across", "左转碰撞"],
  rear_end: ["rear end", "追尾"],
  vulnerable: ["vulnerable road user", "弱势交通参与者"],
  red_light: ["red light about to be run", "闯红灯"],
  wrong_way: ["wrong way", "逆行"],
  stopped: ["stopped vehicle", "异常停车"],
  overspeed: ["overspeed", "超速"],
  queue_end: ["queue end", "排队末尾"],
  do_not_pass: ["do not pass", "逆向超车"],
  hazard: ["hazard", "道路危险"],
  emergency_vehicle: ["emergency vehicle", "紧急车辆"],
  crosswalk: ["turning over a green crosswalk", "转弯让行人"],
  adaptive: ["adaptive", "自适应"],
  local_plan: ["local plan", "本地方案"],
  cabinet_manual: ["manual at cabinet", "现场手动"],
  cabinet_fault: ["cabinet fault", "信号机故障"],
  officer_remote: ["officer", "远程民警"],
  centre_operator: ["operator", "中心控制"],
  emergency: ["emergency", "紧急优先"],
  bus_priority: ["bus priority", "公交优先"],
  unspecified: ["unknown", "未知"],
  next: ["next", "下一"],
  in_s: ["in", "约"],
  perception: ["Perception", "感知"],
  found: ["found", "个目标"],
  sensor: ["sensor", "传感器"],
  rate: ["rate", "频率"],
  latency: ["latency p50 / p95", "延迟 p50 / p95"],
  clock: ["clock", "时钟偏差"],
  direction: ["direction", "方位偏差"],
  near_misses: ["Near misses", "险情"],
  near_vulnerable: ["people and cyclists", "行人与非机动车"],
  near_crossing: ["crossing ways", "交叉冲突"],
  near_rear_end: ["close behind", "追尾冲突"],
  serious: ["serious (≤ 0.5 s)", "严重（≤ 0.5 秒）"],
  period_hour: ["last hour", "近1小时"],
  period_day: ["24 hours", "近24小时"],
  period_week: ["7 days", "近7天"],
  period_all: ["all", "全部"],
  every_kind: ["every kind", "全部类型"],
  everywhere: ["everywhere", "全部路口"],
  by_hour: ["By hour of the day", "按时段"],
  worst_places: ["Worst places", "高发位置"],
  encounters: ["Encounters", "事件列表"],
  touched: ["contact", "接触"],
  most_in_an_hour: ["most in an hour", "单小时最多"],
  none_found: ["none in this period", "该时段无记录"],
  near_cut: ["only the newest are shown; export for more", "仅显示最新记录，导出可得更多"],
  animal: ["animal", "动物"],
  obstacle: ["obstacle", "障碍物"],
  rail: ["tram", "轨道车辆"],
  confidence: ["trusted", "可信度"],
  expected: ["expected", "应检测次数"],
  found_by_distance: ["found by distance, residual median / p95", "按距离检出率，残差中位数 / p95"],
  mounting: ["turned (left / up / roll)", "安装偏转（左 / 上 / 滚）"],
  mounting_unknown: ["lane lines not recognised", "未识别到车道线"],
  coarsened: ["road users are made coarse: nobody can be recognised", "交通参与者已模糊处理，无法辨认个人"],
  no_pictures: ["this site sends no pictures (perception.pictures.period_s)", "该站点不发送画面（perception.pictures.period_s）"],
} as const;

export type Word = keyof typeof WORDS;

let language: Language = (localStorage.getItem("language") as Language | null) ?? (navigator.language.startsWith("zh") ? "zh" : "en");

export function t(word: string): string {
  const found = WORDS[word as Word];
  return found ? found[language === "en" ? 0 : 1] : word;
}

export function currentLanguage(): Language {
  return language;
}

export function switchLanguage(): void {
  language = language === "en" ? "zh" : "en";
  localStorage.setItem("language", language);
}
