#!/usr/bin/env python3
"""starter_network.py - writes content/network/starter.yaml and starter-prices.yaml.

The starter network holds catalogue-only sites: the ten clusters of the eight national hubs, edge rooms and city clouds
of seven cities.  Places, roles and PUE caps are restated from public sources; what is a default of
ours is said so.  Confidence tags: A standard or government text read, B secondary source, C general
knowledge, D design default.  Prices are those of content/prices/price-book.yaml (subscription, a month of 730
hours) times a factor for the region (east 1.00, centre 0.95, west 0.85, edge 1.30, all D).

  python3 tools/starter_network.py      run from the top folder; the files are committed
"""
import math

AS_OF = "2026-11-01T00:00:00Z"

# cluster: id, Chinese name, hub, province, big region, lat, lon, area (price), PUE, has an intelligent computing centre
CLUSTERS = [
    ("zhangjiakou", "张家口", "京津冀", "河北", "华北", 40.41, 115.52, "centre", 1.22, True),
    ("qingpu", "长三角示范区", "长三角", "上海", "华东", 31.10, 120.90, "east", 1.25, False),
    ("wuhu", "芜湖", "长三角", "安徽", "华东", 31.35, 118.43, "east", 1.25, True),
    ("shaoguan", "韶关", "粤港澳大湾区", "广东", "华南", 24.81, 113.60, "east", 1.25, True),
    ("tianfu", "天府", "成渝", "四川", "西南", 30.57, 103.92, "west", 1.28, False),
    ("chongqing", "重庆", "成渝", "重庆", "西南", 29.80, 106.50, "west", 1.28, True),
    ("guian", "贵安", "贵州", "贵州", "西南", 26.42, 106.53, "west", 1.18, True),
    ("horinger", "和林格尔", "内蒙古", "内蒙古", "华北", 40.38, 111.82, "west", 1.18, True),
    ("qingyang", "庆阳", "甘肃", "甘肃", "西北", 35.73, 107.64, "west", 1.18, True),
    ("zhongwei", "中卫", "宁夏", "宁夏", "西北", 37.51, 105.19, "west", 1.18, True),
]
# Cities whose area a cluster's start area lies in (C): people say the city.
ALSO = {"tianfu": ["成都"], "horinger": ["呼和浩特"], "guian": ["贵阳"], "qingpu": ["青浦"]}
# city: id, name, hub or None, province, region, lat, lon, area
CITIES = [
    ("beijing", "北京", "京津冀", "北京", "华北", 39.90, 116.40, "east"),
    ("shanghai", "上海", "长三角", "上海", "华东", 31.23, 121.47, "east"),
    ("guangzhou", "广州", "粤港澳大湾区", "广东", "华南", 23.13, 113.26, "east"),
    ("shenzhen", "深圳", "粤港澳大湾区", "广东", "华南", 22.54, 114.06, "east"),
    ("wuhan", "武汉", None, "湖北", "华中", 30.59, 114.31, "centre"),
    ("chengdu", "成都", "成渝", "四川", "西南", 30.66, 104.07, "west"),
    ("xian", "西安", None, "陕西", "西北", 34.34, 108.94, "west"),
]
FACTOR = {"east": 1.00, "centre": 0.95, "west": 0.85, "edge": 1.30}
# flavor, vCPU, GiB, CNY a month (price book, subscription)
FLAVORS = [
    ("s.1c2g", 1, 2, 80), ("s.2c4g", 2, 4, 160), ("s.2c8g", 2, 8, 190), ("s.4c8g", 4, 8, 320),
    ("s.4c16g", 4, 16, 380), ("s.8c16g", 8, 16, 640), ("s.8c32g", 8, 32, 760),
    ("s.16c32g", 16, 32, 1270), ("s.16c64g", 16, 64, 1530), ("s.32c64g", 32, 64, 2540),
    ("s.32c128g", 32, 128, 3050), ("bms.64c256g", 64, 256, 6500),
]
EDGE_FLAVOR = ("edge.4c16g", 4, 16, 700)
# card, CNY a month.  T4: the book's price holds an 8c32g host (760), which is sold apart here.
CARDS = {"A100": 6500, "H20": 5200, "910B": 5000, "T4": 1900 - 760}
DISK, BANDWIDTH = 0.5, 23.0


def km(a, b):
    r = math.radians
    h = math.sin((r(b[0]) - r(a[0])) / 2) ** 2 + math.cos(r(a[0])) * math.cos(r(b[0])) * math.sin((r(b[1]) - r(a[1])) / 2) ** 2
    return 2 * 6371 * math.asin(math.sqrt(h))


def one_way_ms(a, b):
    return round(km(a, b) * 1.4 / 204 + 0.5, 1)


def num(x):
    return f"{x:.10f}".rstrip("0").rstrip(".")


def flavors(rows, factor):
    return "[" + ",\n      ".join(
        f"{{name: {n}, vcpus: {c}, memory_gib: {g}, price_hour: {num(month * factor / 730)}}}" for n, c, g, month in rows) + "]"


def site(out, sid, name, tier, regions, lat, lon, owner, arch, cap, acc, price, fl, avail, level, pue):
    out.append(f"""  - id: {sid}
    name: {name}
    tier: {tier}
    regions: [{', '.join(regions)}]
    lat: {lat}
    lon: {lon}
    provider: none
    owner: {owner}
    arch: [{', '.join(arch)}]
    capacity: {{vcpus: {cap[0]}, memory_gib: {cap[1]}, disk_gib: {cap[2]}}}""")
    if acc:
        out.append("    accelerators: [" + ", ".join(f"{{kind: {k}, model: {m}, count: {n}}}" for k, m, n in acc) + "]")
    out.append(f"    price: {price}")
    if fl:
        out.append(f"    flavors:\n      {fl}")
    out.append(f"    availability_percent: {avail}\n    protection_level: {level}\n    pue: {pue}")


def price(area, extra="", edge=False):
    f = FACTOR["edge"] if edge else FACTOR[area]
    return f"{{disk_gib_month: {num(DISK * f)}, bandwidth_mbps_month: {num(BANDWIDTH * f)}, public_ip_month: 0{extra}}}"


def cards(models, f):
    return ", accelerator_hour: {" + ", ".join(f"{m}: {num(CARDS[m] * f / 730)}" for m in models) + "}"


sites, notes, links = [], [], []
for cid, name, hub, prov, region, lat, lon, area, pue, ai in CLUSTERS:
    regions = list(dict.fromkeys([name, *ALSO.get(cid, []), prov, hub, region, "中国"]))
    f = FACTOR[area]
    site(sites, f"{cid}-cloud", f"{name}集群 公有云", "public-cloud", regions, lat, lon, "catalogue", ["x86_64", "arm64"],
         (20000, 80000, 4000000), None, price(area), flavors(FLAVORS, f), 99.95, 3, pue)
    notes.append((f"{cid}-cloud", area))
    if ai:
        site(sites, f"{cid}-ai", f"{name}集群 智算中心", "intelligent-computing", regions, round(lat + 0.02, 2), lon, "catalogue", ["x86_64"],
             (8192, 65536, 2000000), [("gpu", "A100", 256), ("gpu", "H20", 512), ("npu", "910B", 512)],
             price(area, cards(["A100", "H20", "910B"], f)), flavors(FLAVORS, f), 99.9, 3, pue)
        notes.append((f"{cid}-ai", area))
        links.append((f"{cid}-cloud", f"{cid}-ai", 0.5, 100000))
for cid, name, hub, prov, region, lat, lon, area in CITIES:
    regions = list(dict.fromkeys([x for x in (name, prov, hub, region, "中国") if x]))
    site(sites, f"{cid}-edge", f"{name} 边缘机房", "edge", regions, lat, lon, "catalogue", ["x86_64"], (512, 2048, 100000),
         [("gpu", "T4", 16)], price(area, cards(["T4"], FACTOR["edge"]), edge=True),
         flavors([EDGE_FLAVOR] + [(n.replace("s.", "edge."), c, g, m * 1.3) for n, c, g, m in FLAVORS if c == 8], 1.0), 99.9, 3, 1.6)
    notes.append((f"{cid}-edge", "edge"))
    links.append((name, f"{cid}-edge", 1.0, 10000))
    for other in CLUSTERS:
        links.append((name, f"{other[0]}-cloud", one_way_ms((lat, lon), other[5:7]), 100000))
for i, a in enumerate(CLUSTERS):
    for b in CLUSTERS[i + 1:]:
        links.append((f"{a[0]}-cloud", f"{b[0]}-cloud", one_way_ms(a[5:7], b[5:7]), 400000))

with open("content/network/starter.yaml", "w") as out:
    out.write("""# The starter network: what Swan shows on the first day.  Made by tools/starter_network.py.
#
# Catalogue only (provider: none): these sites can be designed for, not opened.  Sources and tags:
#   clusters, hubs, roles, PUE caps of the Yangtze clusters        government texts and press, A and B
#   coordinates                                                    general knowledge, town level, C
#   one-way latency  km x 1.4 / 204 + 0.5 ms; 1 ms in the city     estimate D; the 1 ms circle is a national target, A
#   capacity, availability, protection level, link bandwidth, PUE of rooms    defaults of ours, D
#   prices   default price book x region factor, D; each has its note in starter-prices.yaml
# Carbon of the power is not known and left out: the green objective is unknown here.
currency: CNY
access:
""")
    for c in CITIES:
        out.write(f"  - {{id: {c[1]}, lat: {c[5]}, lon: {c[6]}}}\n")
    out.write("sites:\n" + "\n".join(sites) + "\nlinks:\n")
    for a, b, ms, mbps in links:
        out.write(f"  - {{a: {a}, b: {b}, type: optical, latency_ms: {num(ms)}, bandwidth_mbps: {mbps}}}\n")

with open("content/network/starter-prices.yaml", "w") as out:
    out.write("# Where the prices of starter.yaml come from.  Made by tools/starter_network.py.\nitems:\n")
    for sid, area in notes:
        out.write(f"  - {{site: {sid}, basis: estimated, as_of: \"{AS_OF}\", "
                  f"source: \"default price book, subscription, x{FACTOR[area]:.2f} ({area}), tag D\"}}\n")
        if area != "edge":
            out.write(f"  - {{site: {sid}, item: bandwidth_mbps_month, basis: estimated, as_of: \"{AS_OF}\", "
                      f"source: \"price book BW-1..5 (23 per Mbit/s up to 5 Mbit/s; above that 80 per further Mbit/s is usual), x{FACTOR[area]:.2f}, tag D\"}}\n")
        out.write(f"  - {{site: {sid}, item: public_ip_month, basis: estimated, as_of: \"{AS_OF}\", "
                  f"source: \"an address bound to a server is not charged; tag A\"}}\n")
