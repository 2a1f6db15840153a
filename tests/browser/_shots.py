import os, io, pytest
from pathlib import Path
from datetime import timedelta
from django.utils import timezone
from PIL import Image
from tests.browser.station_story import *
from tests.browser.station_story import Plant
OUT = Path("/tmp/shots"); OUT.mkdir(exist_ok=True)
pytestmark = pytest.mark.django_db(transaction=True)
IMG = sorted(Path("/work/shared/mockups/img").glob("flange-*.jpg"))
def pics():
    res=[]
    for p in IMG:
        b=io.BytesIO(); Image.open(p).convert("L").save(b,"PNG"); res.append(b.getvalue())
    return res
def shot(page, name, **vp):
    page.screenshot(path=str(OUT/f"{name}.png"))
SIZES = {"wide": (1440,900,"keys"), "small": (720,450,"keys"), "port": (820,1180,"keys"), "gl": (1180,820,"glove"), "gp": (820,1180,"glove"), "phone":(390,844,"keys")}
def sizes(page, name, only=None):
    for key,(w,h,mode) in SIZES.items():
        if only and key not in only: continue
        page.set_viewport_size({"width":w,"height":h})
        page.evaluate("m => document.documentElement.dataset.mode=m", mode)
        page.wait_for_timeout(150)
        shot(page, f"{name}-{key}")
    page.set_viewport_size({"width":1440,"height":900}); page.evaluate("document.documentElement.dataset.mode='keys'")
def test_default(page, live_server):
    page.on("console", lambda m: print("CONSOLE", m.text))
    page.set_viewport_size({"width":1440,"height":900})
    p=Plant(pictures=pics(), review={"metadata_shown": []}); p.parts(6)
    open_station(page,live_server,p)
    page.keyboard.press("3"); is_ready(page); page.wait_for_timeout(1200)
    sizes(page,"default")
    page.evaluate("document.documentElement.dataset.theme='light'"); sizes(page,"light",["wide","gl","gp"]); page.evaluate("document.documentElement.dataset.theme='dark'")
    page.keyboard.press("?"); page.wait_for_timeout(200); shot(page,"keys"); page.keyboard.press("Escape")
    page.locator("summary").click(); page.wait_for_timeout(200); shot(page,"menu"); page.locator("summary").click()
    page.keyboard.press("z"); is_ready(page); page.wait_for_timeout(200); sizes(page,"undone",["wide","gl","gp"])
    page.context.set_offline(True); page.keyboard.press("2"); is_ready(page); page.keyboard.press("1"); is_ready(page); page.wait_for_timeout(900); sizes(page,"offline")
    page.keyboard.press("1"); is_ready(page); page.keyboard.press("u"); page.wait_for_timeout(900); sizes(page,"cutoff",["wide","gl","gp"])
    page.context.set_offline(False); page.wait_for_timeout(2000); shot(page,"back")
def test_blind(page, live_server):
    page.set_viewport_size({"width":1440,"height":900})
    p=Plant(pictures=pics()); p.part(blind=True, mode="blocking"); p.parts(2, blind=True); open_station(page,live_server,p); sizes(page,"blind")
def test_first(page, live_server):
    page.set_viewport_size({"width":1440,"height":900})
    p=Plant(pictures=pics()); p.parts(2, reason="first_labels"); open_station(page,live_server,p); sizes(page,"first",["wide","gl"])
def test_many(page, live_server):
    page.set_viewport_size({"width":1440,"height":900})
    names=["OK","Scratch","Dent","Contamination","Weld spatter","Inclusion of foreign material","Hole","Crack","Discolouration","Edge chip","Other defect"]
    p=Plant(pictures=pics(), name="Crankshaft bearing surface, left bank", labels=[(n.lower(),n,str(i+1) if i<9 else "") for i,n in enumerate(names)]); p.part(said="inclusion of foreign material", inspection_id="SN-2026-11-000088213-A/7", lot="L-2290-B-long-lot-name"); p.parts(2, mode="blocking"); open_station(page,live_server,p); sizes(page,"many")
def test_broken(page, live_server):
    page.set_viewport_size({"width":1440,"height":900})
    p=Plant(pictures=pics()); r=p.part()
    p.parts(2)
    from django.core.files.storage import default_storage
    k=r.inspection.items.get().image
    with default_storage.open(k) as f: data=f.read()
    default_storage.delete(k); default_storage.save(k, io.BytesIO(data[:200]))
    sign_in(page,live_server); page.goto(p.url); page.wait_for_timeout(1200); page.keyboard.press("2"); page.wait_for_timeout(300); sizes(page,"broken",["wide","gl","gp","small"])
def test_empty(page, live_server):
    page.set_viewport_size({"width":1440,"height":900})
    p=Plant(pictures=pics()); p.parts(3); open_station(page,live_server,p)
    for k in "1u3": page.keyboard.press(k); page.wait_for_timeout(500)
    page.wait_for_timeout(1000); sizes(page,"empty")
def test_wait(page, live_server):
    page.set_viewport_size({"width":1440,"height":900})
    p=Plant(pictures=pics(), review={"min_view_ms": 4000}); p.parts(3); sign_in(page,live_server); page.goto(p.url); page.wait_for_selector("body[data-state=judge]"); page.wait_for_timeout(600); shot(page,"wait-wide"); page.keyboard.press("2"); page.wait_for_timeout(100); sizes(page,"waitflash",["wide","gl","gp"])
def xtest_views(page, live_server):
    page.set_viewport_size({"width":1440,"height":900})
    p=Plant(pictures=pics()); p.part(views=["top","side","bottom"]); open_station(page,live_server,p); sizes(page,"views",["wide","gl"]); page.keyboard.press("+"); page.keyboard.press("+"); page.wait_for_timeout(200); shot(page,"zoom")
def xtest_queues(page, live_server):
    p=Plant(); p.parts(2); q=Plant(name="Bearing"); sign_in(page,live_server); page.goto("/review/"); shot(page,"queues")
    make.make_user("dora"); page.context.clear_cookies(); sign_in(page,live_server,"dora"); page.goto("/review/"); shot(page,"queues-none")
@pytest.fixture
def page(browser, live_server):
    context = browser.new_context(base_url=live_server.url)
    page = context.new_page(); page.set_default_timeout(8000)
    page.on("pageerror", lambda e: print("PAGEERROR", e))
    page.on("console", lambda m: print("CONSOLE", m.type, m.text))
    yield page
    context.close()
